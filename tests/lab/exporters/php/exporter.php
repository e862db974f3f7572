<?php
// PHP's curl, answering cases (../README.md): the PHP SDK's exporter sends through a client of the
// application's choice, and credentials are that client's options.

$version = curl_version();
$versions = ['php' => PHP_VERSION, 'libcurl' => $version['version'], 'tls' => $version['ssl_version']];
fwrite(STDOUT, json_encode(['versions' => $versions], JSON_UNESCAPED_SLASHES) . "\n");

// What libcurl says where it cannot use a file (CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, …).
$refused = [CURLE_SSL_CERTPROBLEM, 77, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, 43];

$cases = fopen('php://fd/3', 'r');
while (($line = fgets($cases)) !== false) {
    $case = json_decode($line, true);
    $handle = curl_init($case['endpoint'] . '/v1/traces');
    curl_setopt_array($handle, [
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => '',
        CURLOPT_HTTPHEADER => ['Content-Type: application/x-protobuf'],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 5,
    ]);
    foreach (['ca' => CURLOPT_CAINFO, 'cert' => CURLOPT_SSLCERT, 'key' => CURLOPT_SSLKEY] as $name => $option) {
        if ($case[$name] !== '') {
            curl_setopt($handle, $option, $case[$name]);
        }
    }
    curl_exec($handle);
    $number = curl_errno($handle);
    $status = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
    if ($number === 0) {
        $answer = $status === 200 ? ['ok', ''] : ['fail', "HTTP $status"];
    } else {
        $answer = [in_array($number, $refused, true) ? 'load' : 'connect', "($number) " . curl_error($handle)];
    }
    curl_close($handle);
    $said = ['id' => $case['id'], 'outcome' => $answer[0], 'text' => $answer[1]];
    fwrite(STDOUT, json_encode($said, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
}
