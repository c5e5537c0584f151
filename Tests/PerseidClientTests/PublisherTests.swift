import Foundation
import Testing

@testable import PerseidClient

/// Publications on their way: in their order, and each once.
@Suite struct PublisherTests {
    private func line(_ number: Int) -> [UInt8] { Array("{\"n\":\(number)}".utf8) }

    private func answer(_ number: Int) -> String { "{\"channel\":\"a\",\"position\":\"\(number)-0\"}" }

    private func add(_ numbers: Range<Int>, to publisher: inout Publisher, end: UInt64 = 1_000) -> [Promise<
        PublicationAnswer
    >] {
        numbers.map { number in
            let promise = Promise<PublicationAnswer>()
            publisher.add(line(number), promise, end: end)
            return promise
        }
    }

    @Test("what is published while a request is under way goes into the next")
    func batches() async throws {
        var publisher = Publisher(waitingMax: 10)
        let promises = add(0..<3, to: &publisher)
        let taken = publisher.takeBatch(now: 0)
        let body = try #require(taken)
        #expect(String(decoding: body, as: UTF8.self) == "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n")
        _ = add(3..<5, to: &publisher)
        let none = publisher.takeBatch(now: 0)
        #expect(none == nil)
        publisher.take(answers: Array((0..<3).map(answer).joined(separator: "\n\n").utf8), error: nil, now: 0)
        for (number, promise) in promises.enumerated() {
            #expect(try await promise.value.position == Position("\(number)-0"))
        }
        let next = publisher.takeBatch(now: 0)
        #expect(next?.count == 16)
    }

    @Test("what is lost or not taken for now is tried again before all others, until its time is over")
    func again() async throws {
        var publisher = Publisher(waitingMax: 10)
        let promises = add(0..<3, to: &publisher)
        _ = publisher.takeBatch(now: 0)
        _ = add(3..<4, to: &publisher)
        let away = #"{"error":{"code":503,"message":"away","retry":200}}"#
        publisher.take(answers: Array("\(answer(0))\n\(away)\n".utf8), error: PerseidError(message: "lost"), now: 0)
        #expect(try await promises[0].value.position == Position("0-0"))
        let early = publisher.takeBatch(now: 100)
        #expect(early == nil && publisher.deadline == 500)
        let taken = publisher.takeBatch(now: 500)
        let body = try #require(taken)
        #expect(String(decoding: body, as: UTF8.self) == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n")
        publisher.take(answers: Array("\(away)\n".utf8), error: PerseidError(message: "lost"), now: 1_000)
        #expect(try await promises[1].value.error?.code == 503)
        await #expect(throws: PerseidError.self) { try await promises[2].value }
    }

    @Test("what is refused for good is told at once")
    func refused() async throws {
        var publisher = Publisher(waitingMax: 2)
        let promises = add(0..<3, to: &publisher)
        await #expect(throws: PerseidError.self) { try await promises[2].value }
        _ = publisher.takeBatch(now: 0)
        publisher.take(answers: [], error: PerseidError(code: 403, message: "no"), now: 0)
        for promise in promises[..<2] { await #expect(throws: PerseidError.self) { try await promise.value } }
    }

    @Test("a line gets a name by which it is known again, unless it has one, or is none")
    func names() throws {
        let writer = PublicationWriter()
        func named(_ text: String) -> String { String(decoding: writer.named(Array(text.utf8)), as: UTF8.self) }
        let made = named(#" { "channel":"a","data":1}"#)
        #expect(try JSONSerialization.jsonObject(with: Data(made.utf8)) is [String: Any])
        #expect(made.contains("\"once\":\"") && made.hasSuffix(#" "channel":"a","data":1}"#))
        for text in [#"{"channel":"a","data":1,"once":"x"}"#, "{}", "nonsense", "[1]", #"{"channel":"a""#, ""] {
            #expect(named(text) == text)
        }
        #expect(named(#"{"channel":"a"}"#) != named(#"{"channel":"a"}"#))
    }

    @Test("what is not JSON is not sent as JSON, and JSON of many lines is one line")
    func payloads() throws {
        let writer = PublicationWriter()
        for bad in ["", "{", "1,\"channel\":\"b\"", "1}\n{\"channel\":\"b\",\"data\":1"] {
            #expect(throws: PerseidError.self) { try writer.line("a", .json(Array(bad.utf8))) }
        }
        #expect(throws: PerseidError.self) { try writer.line("a//b", "x") }
        let line = try writer.line("a", .json(Array("{\n\"b\":\r\n1}".utf8)))
        #expect(!line.contains(0x0a) && !line.contains(0x0d))
        #expect(
            String(decoding: try writer.line("ä\"", .bytes([0, 255])), as: UTF8.self).contains(#""data64":"AP8=""#)
        )
    }
}
