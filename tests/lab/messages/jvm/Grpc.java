import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;

/** One call over a channel of grpc-java, waited for as a future. */
final class Grpc {
  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      return new byte[0];
    }
  }

  static void call(ManagedChannel channel) throws Exception {
    Bytes bytes = new Bytes();
    MethodDescriptor<byte[], byte[]> export =
        MethodDescriptor.newBuilder(bytes, bytes)
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("opentelemetry.proto.collector.trace.v1.TraceService/Export")
            .build();
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS);
    if (Boolean.getBoolean("blocking")) {
      ClientCalls.blockingUnaryCall(channel, export, options, new byte[0]);
    } else {
      ClientCalls.futureUnaryCall(channel.newCall(export, options), new byte[0]).get();
    }
    Credentials.done("answered");
  }
}
