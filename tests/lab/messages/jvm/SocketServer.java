import java.net.Socket;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;

/** A server on SSLServerSocket that wants client certificates and prints what goes wrong. */
public final class SocketServer {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    var factory = credentials.context().getServerSocketFactory();
    try (SSLServerSocket server = (SSLServerSocket) factory.createServerSocket(0)) {
      SSLParameters parameters = server.getSSLParameters();
      parameters.setNeedClientAuth(true);
      parameters.setApplicationProtocols(new String[] {"h2"});
      server.setSSLParameters(parameters);
      System.out.println("ready " + server.getLocalPort());
      while (true) {
        try (Socket accepted = server.accept()) {
          accepted.setSoTimeout(2000);
          accepted.getInputStream().read();
          accepted.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes());
        } catch (Exception error) {
          error.printStackTrace();
        }
      }
    }
  }
}
