import io.opentelemetry.exporter.otlp.internal.OtlpSpanExporterProvider;
import io.opentelemetry.sdk.autoconfigure.spi.internal.DefaultConfigProperties;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The Java SDK's OTLP exporters, answering cases (../README.md).
 *
 * <p>Its argument is the protocol; the class path decides which sender carries it. The exporter is
 * made by the provider that the SDK's autoconfiguration and the agent use.
 */
public final class Exporter {
  private static final Pattern MEMBER = Pattern.compile("\"(\\w+)\": \"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final List<String> LOGGED = new ArrayList<>();
  private static final SpanData SPAN = makeSpan();

  /** Makes the exporter of one case from its settings. */
  interface Maker {
    SpanExporter make(Map<String, String> settings) throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    answer(settings -> byAutoconfiguration(settings, arguments[0]));
  }

  static void answer(Maker maker) throws Exception {
    LogManager.getLogManager().reset();
    Logger.getLogger("").addHandler(new Collector());
    Logger.getLogger("").setLevel(Level.WARNING);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    out.println("{\"versions\": " + object(versions()) + "}");
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Map<String, String> one = new HashMap<>();
      Matcher members = MEMBER.matcher(line);
      while (members.find()) {
        one.put(members.group(1), members.group(2));
      }
      synchronized (LOGGED) {
        LOGGED.clear();
      }
      Map<String, String> answer = new LinkedHashMap<>();
      answer.put("id", one.get("id"));
      answer.put("outcome", export(one, maker));
      synchronized (LOGGED) {
        answer.put("text", String.join("\n", new LinkedHashSet<>(LOGGED)));
      }
      out.println(object(answer));
    }
    System.exit(0);
  }

  /** Returns a span; a tracer without processors makes none. */
  private static SpanData makeSpan() {
    SpanExporter none = SpanExporter.composite();
    SdkTracerProvider provider =
        SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(none)).build();
    return ((ReadableSpan) provider.get("lab").spanBuilder("lab").startSpan()).toSpanData();
  }

  private static SpanExporter byAutoconfiguration(Map<String, String> one, String protocol) {
    Map<String, String> properties = new HashMap<>();
    properties.put("otel.exporter.otlp.protocol", protocol);
    properties.put("otel.exporter.otlp.endpoint", one.get("endpoint"));
    properties.put("otel.exporter.otlp.timeout", "5000");
    properties.put("otel.java.exporter.otlp.retry.disabled", "true");
    put(properties, "otel.exporter.otlp.certificate", one.get("ca"));
    put(properties, "otel.exporter.otlp.client.certificate", one.get("cert"));
    put(properties, "otel.exporter.otlp.client.key", one.get("key"));
    return new OtlpSpanExporterProvider()
        .createExporter(DefaultConfigProperties.createFromMap(properties));
  }

  private static String export(Map<String, String> one, Maker maker) {
    SpanExporter exporter;
    try {
      exporter = maker.make(one);
    } catch (Throwable error) {
      log(error);
      return "load";
    }
    try {
      CompletableResultCode result = exporter.export(List.of(SPAN)).join(10, TimeUnit.SECONDS);
      if (result.isSuccess()) {
        return "ok";
      }
      if (result.getFailureThrowable() != null) {
        log(result.getFailureThrowable());
      }
      return "connect";
    } catch (Throwable error) {
      log(error);
      return "connect";
    } finally {
      exporter.shutdown();
    }
  }

  private static void put(Map<String, String> properties, String name, String value) {
    if (value != null && !value.isEmpty()) {
      properties.put(name, value);
    }
  }

  private static void log(Throwable error) {
    synchronized (LOGGED) {
      for (Throwable each = error; each != null; each = each.getCause()) {
        LOGGED.add(each.toString());
      }
    }
  }

  private static final class Collector extends Handler {
    @Override
    public void publish(LogRecord record) {
      synchronized (LOGGED) {
        LOGGED.add(record.getMessage());
      }
      log(record.getThrown());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  private static Map<String, String> versions() {
    Map<String, String> found = new LinkedHashMap<>();
    found.put("java", System.getProperty("java.version"));
    Pattern jar = Pattern.compile("(opentelemetry-exporter-otlp|okhttp-jvm|grpc-netty(?:-shaded)?|netty-handler)-(\\d.*)\\.jar");
    for (String path : System.getProperty("java.class.path").split(":")) {
      Matcher name = jar.matcher(path.substring(path.lastIndexOf('/') + 1));
      if (name.matches()) {
        found.put(name.group(1), name.group(2));
      }
    }
    return found;
  }

  private static String object(Map<String, String> members) {
    List<String> written = new ArrayList<>();
    members.forEach((name, value) -> written.add(text(name) + ": " + text(value)));
    return "{" + String.join(", ", written) + "}";
  }

  private static String text(String value) {
    StringBuilder written = new StringBuilder("\"");
    for (char each : value.toCharArray()) {
      if (each < ' ' || each == '"' || each == '\\' || each > '~') {
        written.append(String.format("\\u%04x", (int) each));
      } else {
        written.append(each);
      }
    }
    return written.append('"').toString();
  }
}
