# Excon: ruby ruby_excon.rb URL CA_FILE [CERT_FILE KEY_FILE]
require "excon"
url, ca, cert, key = ARGV
settings = { ssl_ca_file: ca, connect_timeout: 5, read_timeout: 5, write_timeout: 5 }
settings.update(client_cert: cert, client_key: key) if cert
Excon.new(url, settings).post(path: "/v1/traces", body: "{}")
