import TestRandomness
import Testing
import Wire

@Suite("Client command")
struct ClientCommandTests {
    /// A command, or what is wrong with it, with its ranges read out as text.
    private struct Outcome: Equatable {
        var kind: ClientCommand.Kind?
        var channel = ""
        var since: String?
        var id: String?
        var data: String?
        var reason: ClientCommandError.Reason?
        var field: ClientCommand.Field?
    }

    private func parse(_ message: String) -> Outcome {
        let bytes = Array(message.utf8)
        func text(_ range: Range<Int>?) -> String? { range.map { String(decoding: bytes[$0], as: UTF8.self) } }
        do {
            let command = try bytes.withUnsafeBytes { try ClientCommand($0) }
            return Outcome(
                kind: command.kind,
                channel: command.channel,
                since: command.since,
                id: text(command.id),
                data: command.data.map {
                    switch $0 {
                    case .json(let range): String(decoding: bytes[range], as: UTF8.self)
                    case .bytes(let bytes): "\(bytes)"
                    case .removal: "removal"
                    }
                }
            )
        } catch let error as ClientCommandError {
            #expect(!error.message.isEmpty)
            return Outcome(id: text(error.id), reason: error.reason, field: error.field)
        } catch {
            Issue.record(error)
            return Outcome()
        }
    }

    @Test("every kind of command")
    func commands() {
        #expect(
            parse(#"{"type":"subscribe","id":7,"channel":"a","since":"12-3"}"#)
                == Outcome(kind: .subscribe, channel: "a", since: "12-3", id: "7")
        )
        #expect(parse(#"{"type":"subscribe","channel":"a"}"#) == Outcome(kind: .subscribe, channel: "a"))
        #expect(
            parse(#" { "id" : "x y" , "channel" : "chat/1" , "type" : "unsubscribe" } "#)
                == Outcome(kind: .unsubscribe, channel: "chat/1", id: #""x y""#)
        )
        #expect(
            parse(#"{"type":"publish","channel":"a","data":{"b":[1,"}]\"",{}]} ,"id":-1.5e3}"#)
                == Outcome(kind: .publish, channel: "a", id: "-1.5e3", data: #"{"b":[1,"}]\"",{}]}"#)
        )
        #expect(
            parse(#"{"type":"presence","channel":"größe"}"#) == Outcome(kind: .presence, channel: "größe")
        )
        #expect(parse(#"{"type":"ping"}"#) == Outcome(kind: .ping))
        #expect(parse(#"{"type":"ping","id":1,"channel":5}"#) == Outcome(kind: .ping, id: "1"))
    }

    @Test(
        "payloads of every kind keep their bytes",
        arguments: [
            "1", "0", "-0.0", "null", "true", "[]", "{}", "[1,2]", #""""#, #""\"\\""#, #"[{"a":"]}"},[[]]]"#,
            "123456789012345678901234567890", "1e999", #"{"type":"ping"}"#, "[ 1 , 2 ]",
        ]
    )
    func payloads(data: String) {
        for message in [
            #"{"type":"publish","channel":"a","data":\#(data)}"#, #"{"data":\#(data),"type":"publish","channel":"a"}"#,
            #"{"data" : \#(data) , "type":"publish","channel":"a","x":[1e999,\#(data)]}"#,
        ] {
            #expect(parse(message) == Outcome(kind: .publish, channel: "a", data: data))
        }
    }

    @Test("strings and names spelt with escapes are the same strings and names")
    func escapes() {
        #expect(
            parse(#"{"t\u0079pe":"\u0070ing","id":1}"#) == Outcome(kind: .ping, id: "1")
        )
        #expect(
            parse(#"{"type":"presence","channel":"a\n\u00e9\ud83d\ude00\/"}"#)
                == Outcome(kind: .presence, channel: "a\né😀/")
        )
        #expect(
            parse(#"{"type":"presence","channel":"a","ch\u0061nnel":"b"}"#) == Outcome(kind: .presence, channel: "b")
        )
        #expect(parse(#"{"type":"presence","channel":"a\u0000b"}"#) == Outcome(kind: .presence, channel: "a\u{0}b"))
    }

    @Test("nested fields are not the command's, doubled ones count once, null is absent")
    func fieldRules() {
        #expect(
            parse(#"{"x":{"type":"ping","channel":"b"},"type":"presence","channel":"a"}"#)
                == Outcome(kind: .presence, channel: "a")
        )
        #expect(parse(#"{"type":"publish","type":"ping"}"#) == Outcome(kind: .ping))
        #expect(
            parse(#"{"type":"subscribe","channel":"a","since":null,"id":null}"#)
                == Outcome(kind: .subscribe, channel: "a")
        )
    }

    @Test("errors name the field, and carry the id if there is one")
    func errors() {
        for message in ["", "x", "[]", "7", "{", "{} {}", #"{"type":"ping",}"#, "\u{FEFF}{\"type\":\"ping\"}"] {
            #expect(parse(message) == Outcome(reason: .notAnObject))
        }
        #expect(parse("{}") == Outcome(reason: .missing, field: .type))
        #expect(parse(#"{"id":7,"type":1}"#) == Outcome(id: "7", reason: .wrongType, field: .type))
        #expect(parse(#"{"id":7,"type":"Ping"}"#) == Outcome(id: "7", reason: .unknown, field: .type))
        #expect(parse(#"{"id":"q","type":"publish"}"#) == Outcome(id: #""q""#, reason: .missing, field: .channel))
        #expect(parse(#"{"type":"presence","channel":["a"]}"#) == Outcome(reason: .wrongType, field: .channel))
        #expect(parse(#"{"type":"subscribe","channel":"a","since":5}"#) == Outcome(reason: .wrongType, field: .since))
        #expect(parse(#"{"type":"publish","channel":"a","id":1}"#) == Outcome(id: "1", reason: .missing, field: .data))
        for id in ["{}", "[1]", "true", "false"] {
            #expect(parse(#"{"type":"ping","id":\#(id)}"#) == Outcome(reason: .wrongType, field: .id))
        }
        let longest = "\"" + String(repeating: "i", count: 126) + "\""
        #expect(parse(#"{"type":"ping","id":\#(longest)}"#) == Outcome(kind: .ping, id: longest))
        #expect(
            parse(#"{"type":"ping","id":1\#(String(repeating: "0", count: 128))}"#)
                == Outcome(reason: .tooLong, field: .id)
        )
    }

    @Test("mutated commands never trap")
    func mutations() {
        var generator = SeededGenerator(seed: 3)
        let message = Array(
            #"{"type":"publish","id":7,"channel":"a\u0062c","data":{"x":[1e400,"\\"]},"since":"1-2"}"#.utf8
        )
        let marks = Array("{}[]\",:\\ 0e-u\n".utf8)
        var parsed = 0
        for _ in 0..<10_000 {
            var mutated = message
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<mutated.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: mutated[index] = marks.randomElement(using: &generator)!
                case 1: mutated[index] = UInt8.random(in: 0...255, using: &generator)
                default: mutated.remove(at: index)
                }
            }
            // At the end of an exact allocation, so that a sanitizer sees any read beyond it.
            let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: mutated.count, alignment: 1)
            defer { exact.deallocate() }
            exact.copyBytes(from: mutated)
            guard let command = try? ClientCommand(UnsafeRawBufferPointer(exact)) else { continue }
            parsed += 1
            if case .json(let data) = command.data {
                #expect(JSONText.kind(of: UnsafeRawBufferPointer(rebasing: exact[data])) != nil)
            }
        }
        #expect(parsed > 500)
    }
}

@Suite("Several commands in one message")
struct CommandArrayTests {
    /// The kinds that were read, and what is wrong with the others.
    private func read(_ text: String, countMax: Int = 4) -> [String] {
        let dialect = DialectID.perseid.dialect
        return Array(text.utf8).withUnsafeBytes { message in
            do throws(ClientCommandError) {
                return try dialect.commands(message, countMax).map { range in
                    let each = UnsafeRawBufferPointer(rebasing: message[range])
                    do throws(ClientCommandError) {
                        let command = try dialect.command(each)
                        let id = command.id.map { String(decoding: each[$0], as: UTF8.self) } ?? ""
                        return "\(command.kind) \(command.channel) \(id)"
                    } catch {
                        return error.message
                    }
                }
            } catch {
                return [error.message]
            }
        }
    }

    @Test("a call may say nothing, JSON or bytes, and not both")
    func calls() {
        func data(_ text: String) -> PublishedData? {
            Array(text.utf8).withUnsafeBytes { (try? ClientCommand($0))?.data }
        }
        #expect(read(#"{"type":"call","channel":"svc/x","id":1}"#) == ["call svc/x 1"])
        #expect(data(#"{"type":"call","channel":"x"}"#) == nil)
        #expect(data(#"{"type":"call","channel":"x","data":null}"#) == .json(36..<40))
        #expect(data(#"{"type":"call","channel":"x","data64":"AAE="}"#) == .bytes([0, 1]))
        #expect(read(#"{"type":"call","channel":"x","data":1,"data64":"AAE="}"#) == ["data64 cannot stand beside data"])
        #expect(read(#"{"type":"call","data":1}"#) == ["channel is missing"])
    }

    @Test("each is right or wrong by itself")
    func several() {
        #expect(
            read(#" [ {"type":"ping","id":1} ,{"type":"subscribe","channel":"a,]","id":"x"},5,{"type":"nonsense"}]"#)
                == [
                    "ping  1", #"subscribe a,] "x""#, "the message is not a JSON object",
                    "type is not one of subscribe, unsubscribe, publish, presence, call, authenticate, ping",
                ]
        )
        #expect(read(#"[[{"type":"ping"}]]"#) == ["the message is not a JSON object"])
        #expect(read(#"{"type":"ping"}"#) == ["ping  "])
    }

    @Test("too many, and what is no array")
    func wrong() {
        let ping = #"{"type":"ping"}"#
        #expect(read("[\(Array(repeating: ping, count: 4).joined(separator: ","))]").count == 4)
        let tooMany = "[\(Array(repeating: ping, count: 5).joined(separator: ","))]"
        #expect(read(tooMany) == ["the message has more than 4 commands"])
        for text in ["[", "[]", "[\(ping)", "[\(ping),]", "[\(ping)]x", ""] {
            #expect(read(text) == ["the message is not a JSON object"], "\(text)")
        }
    }
}

@Suite("Published data")
struct PublishedDataTests {
    private func line(_ text: String) throws -> PublicationLine {
        try Array(text.utf8).withUnsafeBytes { try PublicationLine($0) }
    }

    @Test("bytes come as base64, also with escaped slashes, which PHP writes")
    func bytes() throws {
        #expect(try line(#"{"channel":"a","data64":"/w=="}"#).data == .bytes([0xFF]))
        #expect(try line(#"{"channel":"a","data64":"\/w=="}"#).data == .bytes([0xFF]))
        #expect(try line(#"{"channel":"a","data64":""}"#).data == .bytes([]))
        #expect(try line(#"{"channel":"a","data64":null,"data":null}"#).data == .json(36..<40))
        let command = try Array(#"{"type":"publish","channel":"a","data64":"AAE="}"#.utf8)
            .withUnsafeBytes { try ClientCommand($0) }
        #expect(command.data == .bytes([0, 1]))
    }

    @Test(
        "what is wrong is told by field",
        arguments: [
            (#"{"channel":"a","data64":"/w"}"#, ClientCommand.Field.data64), (#"{"channel":"a","data64":5}"#, .data64),
            (#"{"channel":"a","data":1,"data64":"/w=="}"#, .data64), (#"{"channel":"a"}"#, .data),
            (#"{"data":1}"#, .channel), (#"{"channel":1,"data":1}"#, .channel),
            (#"{"channel":"a","data":1,"once":""}"#, .once), (#"{"channel":"a","data":1,"once":1}"#, .once),
            (#"{"channel":"a","data":1,"id":{}}"#, .id),
        ]
    )
    func wrong(text: String, field: ClientCommand.Field) throws {
        let error = #expect(throws: ClientCommandError.self) { try line(text) }
        #expect(error?.field == field)
        #expect(error?.message.hasPrefix("\(field.rawValue) ") == true)
    }

    @Test("a line has what it has, in any order")
    func parts() throws {
        let text = #"{"once":"k","id":"x","data":{"n":1},"channel":"b\/c","other":0}"#
        let found = try line(text)
        #expect(found.channel == "b/c" && found.once == "k")
        #expect(found.id.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) } == #""x""#)
    }
}
