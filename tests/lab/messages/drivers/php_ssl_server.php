<?php // PHP's streams as a server: php php_ssl_server.php TLS CERT_FILE KEY_FILE CLIENT_CA_FILE
[, $version, $cert, $key, $ca] = $argv;
$method = $version === "1.2" ? STREAM_CRYPTO_METHOD_TLSv1_2_SERVER : STREAM_CRYPTO_METHOD_TLSv1_3_SERVER;
$settings = [
    "local_cert" => $cert, "local_pk" => $key, "cafile" => $ca, "verify_peer" => true,
    "verify_peer_name" => false, "capture_peer_cert" => true, "crypto_method" => $method,
];
$listener = stream_socket_server(
    "tcp://127.0.0.1:0", $number, $text, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN,
    stream_context_create(["ssl" => $settings])
);
echo "port ", explode(":", stream_socket_get_name($listener, false))[1], "\n";
while (true) {
    if (!($connection = stream_socket_accept($listener, -1))) {
        continue;
    }
    if (stream_socket_enable_crypto($connection, true, $method)) {
        fread($connection, 4096);
        fwrite($connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
    fclose($connection);
}
