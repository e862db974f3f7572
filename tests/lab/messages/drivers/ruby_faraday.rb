# Faraday, by net/http: ruby ruby_faraday.rb URL CA_FILE [CERT_FILE KEY_FILE]
require "faraday"
require "openssl"
url, ca, cert, key = ARGV
tls = { ca_file: ca }
tls[:client_cert] = OpenSSL::X509::Certificate.new(File.read(cert)) if cert
tls[:client_key] = OpenSSL::PKey.read(File.read(key), "") if key
Faraday.new(url, ssl: tls, request: { timeout: 5 }).post("/v1/traces", "{}")
