# Perl's IO::Socket::SSL: perl perl_io_socket_ssl.pl URL CA_FILE [CERT_FILE KEY_FILE]
use strict;
use warnings;
use IO::Socket::SSL;
my ( $url, $ca, $cert, $key ) = @ARGV;
my ( $host, $port ) = $url =~ m{//([^:/]+):(\d+)};
my $socket = IO::Socket::SSL->new(
    PeerHost => $host, PeerPort => $port, SSL_ca_file => $ca, Timeout => 5,
    $cert ? ( SSL_cert_file => $cert, SSL_key_file => $key ) : (),
) or die "connect: $!, $SSL_ERROR\n";
print $socket "POST /v1/traces HTTP/1.1\r\nHost: $host\r\nContent-Length: 2\r\n\r\n{}"
    or die "write: $!, $SSL_ERROR\n";
my $answer = <$socket>;
exit if !defined $answer && !$! && !$SSL_ERROR;    # the library has no text for it
die "read: $!, $SSL_ERROR\n" if !defined $answer;
die $answer if $answer !~ / 200 /;
