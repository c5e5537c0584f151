import Broker
import Foundation
import Hub
import Testing
import Wire

/// A poll, and what it is answered.
final class TestPoll {
    let poll: Poll
    let cameMilliseconds: UInt64
    private(set) var answeredMilliseconds: UInt64?
    private(set) var cursor = Cursor()

    /// Positions that it is told, and how many of these are a snapshot.
    private(set) var positions: [ChannelName: [UInt64]] = [:]
    private(set) var snapshotCount = 0

    init(_ poll: Poll, cameMilliseconds: UInt64) {
        self.poll = poll
        self.cameMilliseconds = cameMilliseconds
    }

    var isAnswered: Bool { answeredMilliseconds != nil }

    /// How long it waited.
    var heldMilliseconds: UInt64? { answeredMilliseconds.map { $0 - cameMilliseconds } }

    func take(at now: UInt64) {
        answeredMilliseconds = now
        var body = ByteBuffer()
        poll.appendBody(to: &body)
        guard let answer = try? JSONSerialization.jsonObject(with: Data(body.bytes)) as? [String: Any],
            let cursor = (answer["cursor"] as? String).flatMap({ Cursor($0) }),
            let publications = answer["publications"] as? [[String: Any]]
        else {
            Issue.record("no answer: \(String(decoding: body.bytes, as: UTF8.self))")
            return
        }
        self.cursor = cursor
        for each in publications {
            guard let channel = (each["channel"] as? String).flatMap({ ChannelName($0) }),
                let position = (each["position"] as? String).flatMap({ Position($0) })
            else { continue }
            positions[channel, default: []].append(position.milliseconds)
            if each["snapshot"] as? Bool == true { snapshotCount += 1 }
        }
    }
}
