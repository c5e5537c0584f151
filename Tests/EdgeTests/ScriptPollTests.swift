import Broker
import Edge
import Foundation
import Hub
import Testing

@Suite("Polls by script, and at intervals")
struct ScriptPollTests {
    /// What a script calls the function with.
    private func argument(_ answer: HTTPAnswer, of function: String = "f") throws -> [String: Any] {
        let text = answer.text
        guard text.hasPrefix("/**/\(function)("), text.hasSuffix(");\n") else { throw TestFailure("no call: \(text)") }
        let json = text.dropFirst("/**/\(function)(".count).dropLast(");\n".count)
        guard !json.contains("<"), !json.contains("\u{2028}") else { throw TestFailure("not safe: \(json)") }
        return try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    }

    @Test("a script calls the function with what a poll is answered")
    func script() throws {
        try withNode {
            $0.answersScripts = true
        } _: { node in
            let before = try node.publish("a", "before")
            let awkward = "</script>\u{2028}\"☄️"
            let position = try node.publish("a", awkward)
            let answer = try node.ask("GET", "/poll?channel=a&cursor=a@\(before)&callback=f")
            #expect(answer.status == 200)
            #expect(answer["Content-Type"] == "text/javascript; charset=utf-8")
            #expect(answer["X-Content-Type-Options"] == "nosniff")
            #expect(answer["Content-Disposition"] == "attachment; filename=\"f.txt\"")
            #expect(answer["Cache-Control"] == "no-store")
            let called = try argument(answer)
            #expect(called["cursor"] as? String == "a@\(position)" && called["recovered"] as? Bool == true)
            let publications = try #require(called["publications"] as? [[String: Any]])
            #expect(publications.count == 1 && publications[0]["data"] as? String == awkward)
        }
    }

    @Test("a script is held as a poll is")
    func held() throws {
        try withNode {
            $0.answersScripts = true
        } _: { node in
            let client = try node.connect()
            try client.sendRequest("GET", "/poll?channel=a&callback=app.on")
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("a", "x")
            let called = try argument(try client.readAnswer(), of: "app.on")
            #expect((called["publications"] as? [[String: Any]])?.count == 1)
        }
    }

    @Test("of an error a page is told by the same function: a browser shows it no other answer")
    func errors() throws {
        try withNode {
            $0.answersScripts = true
        } _: { node in
            for (query, code) in [("", 400), ("&channel=a&cursor=x", 400), ("&channel=a&session=x.y", 401)] {
                let answer = try node.ask("GET", "/poll?callback=f\(query)")
                #expect(answer.status == 200)
                let error = try #require(try argument(answer)["error"] as? [String: Any])
                #expect(error["code"] as? Int == code)
            }
            let bad = try node.ask("GET", "/poll?channel=a&callback=alert(1)")
            #expect(bad.status == 400 && bad.errorField == "callback")
            #expect(bad["Content-Type"] == "application/json")
        }
    }

    @Test("scripts are off unless they are switched on")
    func off() throws {
        try withNode { node in
            let answer = try node.ask("GET", "/poll?channel=a&callback=f")
            #expect(answer.status == 403 && answer.errorField == "callback")
        }
    }

    @Test("wait=0 is answered at once, wait=1 after a second, and more than the limit is the limit")
    func intervals() throws {
        try withNode {
            $0.limits.pollMilliseconds = 4_000
        } _: { node in
            let client = try node.connect()
            let start = monotonicMilliseconds
            var answer = try client.ask("GET", "/poll?channel=a&wait=0")
            #expect(answer.status == 200)
            #expect(try (answer.json["publications"] as? [Any])?.isEmpty == true)
            #expect(try answer.json["cursor"] as? String == "a@0-0")
            #expect(monotonicMilliseconds - start < 3_900)
            let position = try node.publish("a", "x")
            answer = try client.ask("GET", "/poll?channel=a&wait=0&cursor=a@0-0")
            #expect(try answer.json["cursor"] as? String == "a@\(position)")
            for (wait, least) in [("1", 900.0), ("9999", 3_900.0)] {
                let start = monotonicMilliseconds
                #expect(try client.ask("GET", "/poll?channel=a&wait=\(wait)").status == 200)
                #expect(monotonicMilliseconds - start > least)
            }
            for wrong in ["", "-1", "+1", "1.5", "x", "99999999999"] {
                let encoded = try #require(wrong.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
                let answer = try client.ask("GET", "/poll?channel=a&wait=\(encoded)")
                #expect(answer.status == 400 && answer.errorField == "wait")
            }
        }
    }
}
