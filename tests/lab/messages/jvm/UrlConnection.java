import java.net.URL;
import javax.net.ssl.HttpsURLConnection;

/** HttpsURLConnection. */
public final class UrlConnection {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    HttpsURLConnection connection =
        (HttpsURLConnection) new URL(credentials.url()).openConnection();
    connection.setSSLSocketFactory(credentials.context().getSocketFactory());
    connection.setConnectTimeout(5000);
    connection.setReadTimeout(5000);
    connection.setDoOutput(true);
    connection.getOutputStream().write(new byte[0]);
    Credentials.done(connection.getResponseCode());
  }
}
