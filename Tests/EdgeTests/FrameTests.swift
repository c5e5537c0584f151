import Broker
import Edge
import Foundation
import Hub
import Testing

@Suite("Forever frames")
struct FrameTests {
    @Test("a page that hands each message to a function of the page around it")
    func calls() throws {
        try withNode { node in
            let frame = try node.frame("?channel=a&callback=app.onMessage")
            #expect(frame.head["Content-Type"] == "text/html; charset=utf-8")
            #expect(frame.head["Transfer-Encoding"] == "chunked")
            #expect(frame.head["Referrer-Policy"] == "no-referrer")
            #expect(frame.head["Content-Security-Policy"]?.hasSuffix("frame-ancestors 'self'") == true)
            #expect(frame.head["X-Frame-Options"] == nil)
            try frame.next("welcome")
            #expect(frame.preamble.utf8.count >= 2_048)
            #expect(frame.preamble.contains("parent.app.onMessage(JSON.parse(text))"))
            try frame.next("subscribed")
            for awkward in ["</script><script>alert(1)//", "<!--", "\u{2028}\u{2029}", "\"\\\n\u{0}'", "☄️ü"] {
                let position = try node.publish("a", awkward)
                let message = try frame.next()
                #expect(message.data == awkward && message["cursor"] as? String == "a@\(position)")
            }
        }
    }

    @Test(
        "what is no name of a function is refused",
        arguments: ["", "a b", "a(", "1a", "a..b", "a.", "alert(1)//", "ä"]
    )
    func callbacks(name: String) throws {
        try withNode { node in
            let encoded = try #require(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let answer = try node.ask("GET", "/frame?channel=a&callback=\(encoded)")
            #expect(answer.status == 400 && answer.errorField == "callback")
        }
    }

    @Test("without a function, and without a site to post to, there is nobody to tell")
    func nobody() throws {
        try withNode { node in
            let answer = try node.ask("GET", "/frame?channel=a")
            #expect(answer.status == 400 && answer.errorField == "callback")
            let longest = String(repeating: "a", count: 129)
            #expect(try node.ask("GET", "/frame?channel=a&callback=\(longest)").status == 400)
        }
    }

    @Test("a page of another site that is listed is posted to, and its site may have the frame")
    func foreign() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            let frame = try node.frame("?channel=a&origin=https%3A%2F%2Flisted.example")
            try frame.next("welcome")
            #expect(frame.preamble.contains(#"parent.postMessage(JSON.parse(text),"https://listed.example")"#))
            #expect(
                frame.head["Content-Security-Policy"]?.hasSuffix("frame-ancestors 'self' https://listed.example")
                    == true
            )
            // As a browser tells it by itself.
            let referred = try node.frame(
                "?channel=a&callback=f",
                fields: [("Referer", "https://listed.example/page?token=1")]
            )
            try referred.next("welcome")
            #expect(referred.preamble.contains(#"postMessage(JSON.parse(text),"https://listed.example")"#))
            let other = try node.ask("GET", "/frame?channel=a&callback=f&origin=https%3A%2F%2Fevil.example")
            #expect(other.status == 403 && other.errorField == "origin")
            let none = try node.ask("GET", "/frame?channel=a&callback=f&origin=x%22%29")
            #expect(none.status == 400 && none.errorField == "origin")
        }
    }

    @Test("format=raw hands over payloads only")
    func raw() throws {
        try withNode { node in
            let frame = try node.frame("?channel=a&callback=f&format=raw")
            try eventually("it is subscribed") { node.metrics.hub.subscriptions.value == 1 }
            try node.publish("a", #"{"n":1}"#, json: true)
            try node.publish("a", "text")
            try node.publish("a", [[0xFF]])
            #expect(try frame.nextCall() == #"{"n":1}"#)
            #expect(try frame.nextCall() == #""text""#)
            #expect(try frame.nextCall() == #""/w==""#)
        }
    }

    @Test("a long page is renewed: its client goes on with a new one")
    func renewed() throws {
        try withNode { configuration in
            configuration.limits.streamBytesMax = 4_096
        } _: { node in
            let frame = try node.frame("?channel=a&callback=f")
            try frame.next("welcome")
            try frame.next("subscribed")
            let position = try node.publish("a", String(repeating: "x", count: 4_096))
            #expect(try frame.next()["cursor"] as? String == "a@\(position)")
            #expect(try frame.next("bye").code == 4_005)
            #expect(try frame.nextCall() == nil && frame.hasEndedWell)
        }
    }
}
