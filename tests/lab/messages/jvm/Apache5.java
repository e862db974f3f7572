import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;

/** Apache HttpClient 5. */
public final class Apache5 {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    var connections =
        PoolingHttpClientConnectionManagerBuilder.create()
            .setTlsSocketStrategy(new DefaultClientTlsStrategy(credentials.context()))
            .build();
    try (CloseableHttpClient client =
        HttpClients.custom().setConnectionManager(connections).build()) {
      int status = client.execute(new HttpPost(credentials.url()), answer -> answer.getCode());
      Credentials.done(status);
    }
  }
}
