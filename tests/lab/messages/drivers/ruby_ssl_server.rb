# Ruby's OpenSSL as a server: ruby ruby_ssl_server.rb TLS CERT_FILE KEY_FILE CLIENT_CA_FILE
require "openssl"
require "socket"
$stdout.sync = true
version, cert, key, ca = ARGV
context = OpenSSL::SSL::SSLContext.new
context.min_version = context.max_version = version == "1.2" ? :TLS1_2 : :TLS1_3
context.cert = OpenSSL::X509::Certificate.new(File.read(cert))
context.key = OpenSSL::PKey.read(File.read(key))
context.ca_file = ca
context.verify_mode = OpenSSL::SSL::VERIFY_PEER | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
listener = TCPServer.new("127.0.0.1", 0)
puts "port #{listener.addr[1]}"
loop do
  Thread.new(listener.accept) do |connection|
    Thread.current.report_on_exception = true
    socket = OpenSSL::SSL::SSLSocket.new(connection, context)
    socket.accept
    socket.readpartial(4096)
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    socket.close
  end
end
