<?php // Guzzle, by libcurl: php php_guzzle.php URL CA_FILE [CERT_FILE KEY_FILE]
require "GuzzleHttp/autoload.php";
$settings = ["verify" => $argv[2], "body" => "{}", "timeout" => 5];
if (isset($argv[4])) {
    $settings += ["cert" => $argv[3], "ssl_key" => $argv[4]];
}
(new GuzzleHttp\Client())->post($argv[1], $settings);
