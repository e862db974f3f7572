# Perl's IO::Socket::SSL as a server: perl perl_ssl_server.pl TLS CERT_FILE KEY_FILE CLIENT_CA_FILE
use strict;
use warnings;
use IO::Socket::SSL;
$| = 1;
my ( $version, $cert, $key, $ca ) = @ARGV;
my $listener = IO::Socket::INET->new( LocalAddr => "127.0.0.1", Listen => 5, ReuseAddr => 1 );
print "port ", $listener->sockport, "\n";
while ( my $socket = $listener->accept ) {
    my $tls = IO::Socket::SSL->start_SSL(
        $socket, SSL_server => 1, SSL_cert_file => $cert, SSL_key_file => $key, Timeout => 5,
        SSL_ca_file => $ca, SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        SSL_version => "TLSv1" . ( $version eq "1.2" ? "_2" : "_3" ),
    );
    if ( !$tls ) { print "failed to accept: $!, $SSL_ERROR\n"; next }
    my $request = <$tls>;
    if ( !defined $request ) { print "failed to read: $!, $SSL_ERROR\n"; next }
    print $tls "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    close $tls;
}
