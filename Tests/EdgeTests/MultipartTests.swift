import Broker
import Edge
import Foundation
import Hub
import Testing

@Suite("Documents in parts")
struct MultipartTests {
    @Test("each message is a part, with its length, its cursor, and the delimiter behind it")
    func parts() throws {
        try withNode { node in
            let before = try node.publish("a", "before")
            let document = try node.multipart("?channel=a")
            #expect(document.head["Transfer-Encoding"] == "chunked")
            #expect(document.head["Cache-Control"]?.contains("no-store") == true)
            let welcome = try #require(try document.nextPart())
            #expect(welcome.fields["content-type"] == "application/json")
            #expect(try Message(welcome.text).type == "welcome")
            let subscribed = try document.next("subscribed")
            #expect(subscribed.position == before && subscribed["cursor"] as? String == "a@\(before)")
            for number in 0..<100 {
                let position = try node.publish("a", "m\(number)\nsecond line")
                let part = try #require(try document.nextPart())
                #expect(part.cursor == "a@\(position)")
                let message = try Message(part.text)
                #expect(message.data == "m\(number)\nsecond line" && message["cursor"] as? String == part.cursor)
            }
        }
    }

    @Test("format=raw is the payload and nothing else: JSON, text, and bytes as they are")
    func raw() throws {
        try withNode { node in
            let document = try node.multipart("?channel=a&format=raw")
            try eventually("it is subscribed") { node.metrics.hub.subscriptions.value == 1 }
            try node.publish("a", #"{"n":1}"#, json: true)
            try node.publish("a", "text")
            let position = try node.publish("a", [[0xFF, 0x00, 0x0D, 0x0A]])[0]
            let json = try #require(try document.nextPart())
            #expect(json.text == #"{"n":1}"# && json.fields["content-type"] == "application/json")
            let text = try #require(try document.nextPart())
            #expect(text.text == "text" && text.fields["content-type"] == "text/plain; charset=utf-8")
            let bytes = try #require(try document.nextPart())
            #expect(bytes.body == [0xFF, 0x00, 0x0D, 0x0A])
            #expect(bytes.fields["content-type"] == "application/octet-stream")
            #expect(bytes.cursor == "a@\(position)")
        }
    }

    @Test("who publishes the delimiter forges no part")
    func forged() throws {
        try withNode { node in
            let document = try node.multipart("?channel=a&format=raw")
            try eventually("it is subscribed") { node.metrics.hub.subscriptions.value == 1 }
            let forgery = "x\r\n--\(document.boundary)\r\nContent-Type: text/html\r\n\r\n<script>"
            try node.publish("a", forgery)
            let part = try #require(try document.nextPart())
            #expect(part.fields["content-transfer-encoding"] == "base64")
            #expect(Data(base64Encoded: part.text) == Data(forgery.utf8))
        }
    }

    @Test("a heartbeat is no part, and what follows it is whole")
    func heartbeat() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 500
        } _: { node in
            let document = try node.multipart("?channel=a")
            try document.next("welcome")
            try document.next("subscribed")
            // What it has was sent, and is counted a moment later.
            try eventually("that is counted") { node.metrics.bytesSent.value >= document.client.receivedCount }
            let before = node.metrics.bytesSent.value
            try eventually("a heartbeat is sent") { node.metrics.bytesSent.value > before }
            let answer = try node.publish("a", "x")
            let message = try document.next()
            #expect(message.data == "x" && message.position == answer)
            #expect(document.heartbeatCount >= 1)
        }
    }
}
