# Perl's LWP: perl perl_lwp.pl URL CA_FILE [CERT_FILE KEY_FILE]
use strict;
use warnings;
use LWP::UserAgent;
my ( $url, $ca, $cert, $key ) = @ARGV;
my $agent = LWP::UserAgent->new( timeout => 5, keep_alive => 0 );
$agent->ssl_opts( SSL_ca_file => $ca, verify_hostname => 1 );
$agent->ssl_opts( SSL_cert_file => $cert, SSL_key_file => $key ) if $cert;
my $answer = $agent->post( $url, Content => "{}" );
die $answer->status_line, "\n", $answer->decoded_content, "\n" if !$answer->is_success;
