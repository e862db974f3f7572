import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;

/** OkHttp, of any version since 3. */
public final class OkHttp {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    SSLSocketFactory factory = credentials.context().getSocketFactory();
    OkHttpClient client =
        new OkHttpClient.Builder()
            .sslSocketFactory(factory, (X509TrustManager) credentials.trust()[0])
            .connectTimeout(5, TimeUnit.SECONDS)
            .readTimeout(5, TimeUnit.SECONDS)
            .build();
    Request request =
        new Request.Builder()
            .url(credentials.url())
            .post(RequestBody.create(null, new byte[0]))
            .build();
    Credentials.done(client.newCall(request).execute());
  }
}
