# Perl's HTTP::Tiny: perl perl_http_tiny.pl URL CA_FILE [CERT_FILE KEY_FILE]
use strict;
use warnings;
use HTTP::Tiny;
my ( $url, $ca, $cert, $key ) = @ARGV;
my %tls = ( SSL_ca_file => $ca );
%tls = ( %tls, SSL_cert_file => $cert, SSL_key_file => $key ) if $cert;
my $answer = HTTP::Tiny->new( verify_SSL => 1, SSL_options => \%tls, timeout => 5 )
    ->post( $url, { content => "{}" } );
die "$answer->{status} $answer->{reason}: $answer->{content}\n" if !$answer->{success};
