// Java's own HTTP client against the gateway. By default it offers HTTP/2 with each first request. Prints a line for each answer.
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

public class Client {
  private static String base;

  private static void ask(HttpClient client, String name, String method, BodyPublisher body, boolean expect) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(base + "/" + name)).method(method, body).timeout(Duration.ofSeconds(20));
    if (expect) request.expectContinue(true);
    var response = client.send(request.build(), BodyHandlers.ofByteArray());
    System.out.println(name + " " + response.statusCode() + " " + response.body().length);
  }

  public static void main(String[] arguments) throws Exception {
    base = "http://127.0.0.1:" + arguments[0];
    var bytes = new byte[2_000_000];
    for (var version : HttpClient.Version.values()) {
      var client = HttpClient.newBuilder().version(version).build();
      var name = version == HttpClient.Version.HTTP_2 ? "two" : "one";
      ask(client, name + "-get", "GET", BodyPublishers.noBody(), false);
      ask(client, name + "-post", "POST", BodyPublishers.ofByteArray(bytes), false);
      ask(client, name + "-chunks", "PUT", BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes)), false);
      ask(client, name + "-expect", "POST", BodyPublishers.ofByteArray(bytes), true);
      var fresh = HttpClient.newBuilder().version(version).build();
      ask(fresh, name + "-first-post", "POST", BodyPublishers.ofByteArray(bytes), false);
    }
  }
}
