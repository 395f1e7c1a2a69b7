// Java's own HTTP client against the gateway, set to HTTP/1.1: what it then sends is plain. Prints a line for each answer.
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

public class Plain {
  public static void main(String[] arguments) throws Exception {
    var base = "http://127.0.0.1:" + arguments[0];
    var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    for (var method : new String[] {"GET", "POST", "DELETE"}) {
      var body = method.equals("POST") ? BodyPublishers.ofByteArray(new byte[2_000_000]) : BodyPublishers.noBody();
      var request = HttpRequest.newBuilder(URI.create(base + "/" + method)).method(method, body).header("Authorization", "Bearer a.b.c");
      System.out.println(method + " " + client.send(request.build(), BodyHandlers.ofString()).statusCode());
    }
    var old = (HttpURLConnection) URI.create(base + "/old").toURL().openConnection();
    System.out.println("old " + old.getResponseCode());
  }
}
