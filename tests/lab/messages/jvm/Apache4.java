import org.apache.http.client.methods.HttpPost;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;

/** Apache HttpClient 4. */
public final class Apache4 {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    try (CloseableHttpClient client =
        HttpClients.custom().setSSLContext(credentials.context()).build()) {
      Credentials.done(client.execute(new HttpPost(credentials.url())));
    }
  }
}
