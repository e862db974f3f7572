<?php // PHP's curl extension: php php_curl.php URL CA_FILE [CERT_FILE KEY_FILE]
$curl = curl_init($argv[1]);
curl_setopt_array($curl, [
    CURLOPT_CAINFO => $argv[2], CURLOPT_POSTFIELDS => "{}", CURLOPT_TIMEOUT => 5,
    CURLOPT_RETURNTRANSFER => true,
]);
if (isset($argv[4])) {
    curl_setopt_array($curl, [CURLOPT_SSLCERT => $argv[3], CURLOPT_SSLKEY => $argv[4]]);
}
if (curl_exec($curl) === false) {
    throw new RuntimeException("cURL error " . curl_errno($curl) . ": " . curl_error($curl));
}
