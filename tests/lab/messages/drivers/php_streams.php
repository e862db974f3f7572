<?php // PHP's own HTTP client over its streams: php php_streams.php URL CA_FILE [CERT_FILE KEY_FILE]
[, $url, $ca] = $argv;
$tls = ["cafile" => $ca];
if (isset($argv[4])) {
    $tls += ["local_cert" => $argv[3], "local_pk" => $argv[4]];
}
$http = ["method" => "POST", "content" => "{}", "timeout" => 5];
echo file_get_contents($url, false, stream_context_create(["ssl" => $tls, "http" => $http]));
