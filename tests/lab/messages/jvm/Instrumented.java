import java.net.HttpURLConnection;
import java.net.URL;

/** A program with the OpenTelemetry agent: one request is one span, which is exported at the end. */
public final class Instrumented {
  public static void main(String[] arguments) throws Exception {
    try {
      HttpURLConnection asked = (HttpURLConnection) new URL("http://127.0.0.1:9/").openConnection();
      asked.getResponseCode();
    } catch (java.io.IOException expected) {
      System.out.println("asked");
    }
    Thread.sleep(14000);
    System.exit(0);
  }
}
