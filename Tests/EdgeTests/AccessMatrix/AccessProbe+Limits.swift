import Foundation
import Testing

// What goes beyond a client's rights, and what no client can do.
extension AccessProbe {
    /// A session has a channel that its new owner may not read, beside one that it may: of the two it is told the one.
    func resumeBeyondRights() throws -> AccessOutcome {
        if way.isBayeux { return try resumeBayeuxBeyondRights() }
        let session = try session(by: Self.key, channels: [path, "room%2F2"])
        let client = try open("session=\(session)" + (way.isPoll ? "&wait=0" : ""))
        _ = try client.readHead()
        if way.isPoll {
            let text = try #require(
                client.receive { client.said.contains("\"cursor\":") } ? client.said : nil
            )
            return text.contains(path) ? .allowed : .forbidden
        }
        _ = try client.receive { client.said.contains("\"room/2\"") }
        try publishMarker()
        _ = try node.ask("POST", "/channels/room%2F2", Self.key, body: "the other one")
        _ = try client.receive { client.said.contains("the other one") }
        return client.said.contains(Self.marker) ? .allowed : .forbidden
    }

    private func resumeBayeuxBeyondRights() throws -> AccessOutcome {
        let first = try BayeuxSpeaker(node, .bayeux)
        _ = try first.shakeHands(ext: ["token": "a-key-for-tests"])
        _ = try first.connect(ext: ["token": "a-key-for-tests"])
        let subscription: [String: Any] = [
            "channel": "/meta/subscribe", "subscription": ["/\(channel)", "/room/2"],
            "ext": ["token": "a-key-for-tests"],
        ]
        let subscribed = try first.say(subscription)
        guard Self.refusal(subscribed) == nil else { throw TestFailure("not subscribed: \(subscribed)") }
        let second = try BayeuxSpeaker(node, way)
        second.clientID = first.clientID
        let ext = token.map { ["token": $0] }
        _ = try second.connect(ext: ext)
        try publishMarker()
        _ = try node.ask("POST", "/channels/room%2F2", Self.key, body: "the other one")
        var told = ""
        try eventually("the other one is told") {
            told += try "\(second.connect(ext: ext))"
            return told.contains("the other one")
        }
        return told.contains(Self.marker) ? .allowed : .forbidden
    }

    /// Tries what nobody can do in this way.
    func tryImpossible(_ deed: AccessDeed) throws {
        switch way {
        case .request:
            // A session is nobody's right to anything but itself.
            let valid = try AccessShown.valid.token() ?? ""
            let session = try session(by: [("Authorization", "Bearer \(valid)")], channels: [path])
            #expect(try node.ask("GET", "/channels/\(path)/history?session=\(session)").status == 403)
        case .webSocket:
            let socket = try node.webSocket("?session=none", fields: bearer)
            try socket.next("welcome")
            for type in ["disconnect", "revoke", "sessions", "nodes"] {
                try socket.send(#"{"type":"\#(type)","id":1,"user":"alice","channel":"\#(channel)"}"#)
                #expect(try socket.next("error").code == 400)
            }
        case .bayeux, .bayeuxSocket:
            let client = try BayeuxSpeaker(node, way)
            _ = try client.shakeHands(ext: ["token": token ?? ""])
            for name in ["/meta/revoke", "/meta/users", "/meta/sessions"] {
                let answer = try client.say(["channel": name, "data": ["user": "alice"]])
                #expect(Self.refusal(answer) == .forbidden)
            }
        default:
            // Whatever it sends there is no method for it, and the channel does not move.
            let answer = try node.ask("POST", "\(way.path)?channel=\(path)&callback=f", bearer, body: Self.marker)
            #expect(answer.status == 405)
            #expect(try !isPublished() && backend.requests.isEmpty)
        }
    }
}
