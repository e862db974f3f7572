<?php // Symfony's HttpClient, by libcurl or by streams: php php_symfony.php URL CA_FILE [CERT_FILE KEY_FILE]
require "Symfony/Component/HttpClient/autoload.php";
$settings = ["cafile" => $argv[2], "body" => "{}", "timeout" => 5, "max_duration" => 5];
if (isset($argv[4])) {
    $settings += ["local_cert" => $argv[3], "local_pk" => $argv[4]];
}
$native = getenv("NATIVE") !== false;
$class = "Symfony\\Component\\HttpClient\\" . ($native ? "NativeHttpClient" : "CurlHttpClient");
echo (new $class($settings))->request("POST", $argv[1])->getContent();
