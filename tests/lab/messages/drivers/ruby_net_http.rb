# Ruby's net/http: ruby ruby_net_http.rb URL CA_FILE [CERT_FILE KEY_FILE]
require "net/http"
url, ca, cert, key = ARGV
uri = URI(url)
http = Net::HTTP.new(uri.host, uri.port)
http.use_ssl = true
http.ca_file = ca
http.open_timeout = http.read_timeout = http.ssl_timeout = 5
http.max_retries = 0
http.cert = OpenSSL::X509::Certificate.new(File.read(cert)) if cert
http.key = OpenSSL::PKey.read(File.read(key)) if key
http.post("/v1/traces", "{}")
