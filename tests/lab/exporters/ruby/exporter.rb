# Ruby's net/http, answering cases (../README.md), with the credentials as the Ruby SDK's OTLP
# exporter sets them: OpenSSL::X509::Certificate.new and OpenSSL::PKey::RSA.new (RSA keys only).
require 'json'
require 'net/http'
require 'openssl'
require 'uri'

$stdout.sync = true
versions = { ruby: RUBY_VERSION, openssl: OpenSSL::OPENSSL_LIBRARY_VERSION, gem: OpenSSL::VERSION }
puts JSON.generate(versions: versions)

def connection(one)
  endpoint = URI("#{one['endpoint']}/v1/traces")
  http = Net::HTTP.new(endpoint.host, endpoint.port)
  http.use_ssl = true
  http.open_timeout = http.read_timeout = 5
  http.max_retries = 0
  http.ca_file = one['ca'] unless one['ca'].empty?
  http.cert = OpenSSL::X509::Certificate.new(File.read(one['cert'])) unless one['cert'].empty?
  http.key = OpenSSL::PKey::RSA.new(File.read(one['key'])) unless one['key'].empty?
  [http, endpoint]
end

def export(one)
  begin
    http, endpoint = connection(one)
  rescue StandardError => e
    return ['load', "#{e.class}: #{e.message}"]
  end
  begin
    answer = http.post(endpoint.path, '', 'Content-Type' => 'application/x-protobuf')
    answer.is_a?(Net::HTTPOK) ? ['ok', ''] : ['fail', "HTTP #{answer.code}"]
  rescue StandardError => e
    loading = e.message.include?('SSL_CTX_load_verify_file')
    [loading ? 'load' : 'connect', "#{e.class}: #{e.message}"]
  end
end

IO.for_fd(3, 'r').each_line do |line|
  one = JSON.parse(line)
  outcome, text = export(one)
  puts JSON.generate(id: one['id'], outcome: outcome, text: text.scrub)
end
