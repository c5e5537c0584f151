import Broker
import Foundation
import Hub
import Testing
import Wire

/// A client as it sees itself: what it was told, where it stands, and whether that can be.
final class TestReader {
    let slot: ClientSlot
    let carrier: CarrierID
    let pace: Pace
    let client = UnsafeMutablePointer<Client>.allocate(capacity: 1)

    /// Whether its connection takes nothing now, and whether it ever did not: then what it is told comes when it can.
    var isFull = false { didSet { wasFull = wasFull || isFull } }
    private(set) var wasFull = false

    /// How many messages it takes before it is full, if that is so.
    var messagesUntilFull: Int?

    /// Where it stands in each channel, and the position of the newest of each key that it knows.
    private(set) var places: [ChannelName: Position] = [:]
    private(set) var newest: [ChannelName: [String: Position]] = [:]

    /// What it comes back with: the newest cursor that it was told.
    private(set) var cursor: Cursor?

    /// Channels in the longest one.
    private(set) var longestCursor = 0

    /// Positions in the order in which it was told them, in whichever channel.
    private(set) var order: [UInt64] = []

    /// When it was told something that was no part of its beginning.
    private(set) var batches: [ChannelName: [UInt64]] = [:]

    /// Positions it was told, and rates.
    private(set) var positions: [ChannelName: [UInt64]] = [:]
    private(set) var rates: [ChannelName: Double] = [:]
    private(set) var gaps: [ChannelName: Int] = [:]
    private(set) var snapshotCount = 0

    /// How often it was told that it is subscribed.
    private(set) var subscribed: [ChannelName: Int] = [:]

    /// What cannot be.
    private(set) var complaints: [String] = []

    private var begun: [ChannelName: UInt64] = [:]
    private var bytes: [UInt8] = []

    init(slot: ClientSlot, _ carrier: CarrierID, _ pace: Pace) {
        self.slot = slot
        self.carrier = carrier
        self.pace = pace
        client.initialize(to: Client())
        client.pointee.encoding = Encoding(carrier, .perseid, isChunked: false)
        client.pointee.pace = pace
    }

    deinit {
        client.deinitialize(count: 1)
        client.deallocate()
    }

    /// Knows what the one before it was told.
    func inherit(_ other: TestReader) {
        (places, newest, complaints) = (other.places, other.newest, other.complaints)
    }

    func note(_ complaint: String) { complaints.append(complaint) }

    func take(_ new: UnsafeRawBufferPointer, at now: UInt64) {
        bytes += new
        while let message = nextMessage() { hear(message, at: now) }
    }

    private func nextMessage() -> [String: Any]? {
        guard let text = carrier == .webSocket ? nextFrame() : nextLine() else { return nil }
        return (try? JSONSerialization.jsonObject(with: Data(text))) as? [String: Any] ?? ["type": "nonsense"]
    }

    private func nextLine() -> [UInt8]? {
        guard let end = bytes.firstIndex(of: 0x0A) else { return nil }
        defer { bytes.removeSubrange(...end) }
        return Array(bytes[..<end])
    }

    private func nextFrame() -> [UInt8]? {
        guard bytes.count >= 2 else { return nil }
        let short = Int(bytes[1])
        let head = short == 127 ? 10 : short == 126 ? 4 : 2
        guard bytes.count >= head else { return nil }
        let count = head == 2 ? short : bytes[2..<head].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= head + count else { return nil }
        defer { bytes.removeSubrange(..<(head + count)) }
        return Array(bytes[head..<head + count])
    }

    private func hear(_ message: [String: Any], at now: UInt64) {
        messagesUntilFull? -= 1
        if let rest = messagesUntilFull, rest <= 0 { isFull = true }
        let name = (message["channel"] as? String).flatMap { ChannelName($0) }
        switch message["type"] as? String {
        case "subscribed":
            guard let name, let position = position(message["position"]) else { return note("\(message)") }
            subscribed[name, default: 0] += 1
            rates[name] = message["max-rate"] as? Double
            if places[name] == nil { places[name] = position }
            begun[name] = now
        case "message":
            guard let name, let position = position(message["position"]) else { return note("\(message)") }
            if message["snapshot"] as? Bool == true { snapshotCount += 1 }
            hear(name, position, message["key"] as? String, at: now)
        case "gap":
            guard let name, let to = position(message["to"]) else { return note("\(message)") }
            if let from = self.position(message["from"]), let known = places[name], from > known {
                note("\(name): a gap from \(from), where it never was")
            }
            if let from = self.position(message["from"]), let known = places[name], from < known {
                note("\(name): a gap from \(from), and it stands at \(known)")
            }
            gaps[name, default: 0] += 1
            places[name] = to
        default: note("\(message)")
        }
        guard let text = message["cursor"] as? String, let cursor = Cursor(text) else { return }
        self.cursor = cursor
        longestCursor = max(longestCursor, cursor.positions.count)
        for (channel, position) in cursor.positions {
            // Once it is told something of a channel its place there is known.
            if let known = places[channel], position < known, positions[channel]?.isEmpty == false {
                note("\(channel): sent back from \(known) to \(position)")
            }
            places[channel] = position
        }
    }

    private func hear(_ name: ChannelName, _ position: Position, _ key: String?, at now: UInt64) {
        let last = positions[name]?.last ?? places[name]?.milliseconds ?? 0
        if position.milliseconds <= last { note("\(name): \(position) after \(last)") }
        positions[name, default: []].append(position.milliseconds)
        order.append(position.milliseconds)
        places[name] = position
        newest[name, default: [:]][key ?? ""] = position
        // Who began with a pattern began with all of its channels.
        let isBeginning = begun.contains { $0.value == now && ($0.key == name || $0.key.stands(for: name)) }
        guard !isBeginning, batches[name]?.last != now else { return }
        batches[name, default: []].append(now)
    }

    private func position(_ field: Any?) -> Position? { (field as? String).flatMap { Position($0) } }

    /// Time between two batches of a channel, at least.
    func shortestInterval(in channel: ChannelName) -> UInt64? {
        guard let times = batches[channel], times.count > 1 else { return nil }
        return zip(times.dropFirst(), times).map { $0 - $1 }.min()
    }
}
