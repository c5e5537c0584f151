internal import Broker
internal import Wire

/// What a poll is answered: `{"cursor":"…","publications":[…],"recovered":true}`, or with the gaps there are.
struct PollAnswer {
    let cursor: Broker.Cursor?
    let isRecovered: Bool?
    private(set) var messages: [ServerMessage] = []

    /// Publications of one answer that are read, at most: more than nodes put in one by far.
    private static let countMax = 100_000

    init(_ json: UnsafeRawBufferPointer) throws(PerseidError) {
        guard let fields = JSONFields(json, ["cursor", "publications", "recovered", "gaps"]), let list = fields[1]
        else {
            throw .nonsense("what answers is no poll")
        }
        cursor = fields[0]?.jsonString.flatMap { Broker.Cursor($0) }
        isRecovered = fields[2]?.isJSONTrue
        if let gaps = fields[3] {
            for gap in try Self.elements(of: gaps) { messages.append(try ServerMessage(gap: gap)) }
        }
        for publication in try Self.elements(of: list) {
            messages.append(try ServerMessage(publication: publication))
        }
    }

    /// The elements of an array.
    static func elements(of json: UnsafeRawBufferPointer) throws(PerseidError) -> [UnsafeRawBufferPointer] {
        // Each element and its comma take two bytes at least.
        let room = min(countMax, json.count / 2 + 1)
        guard let (ranges, count) = JSONText.elements(of: json, countMax: room), count <= countMax else {
            throw .nonsense("what answers has no list where there should be one")
        }
        return ranges.map { UnsafeRawBufferPointer(rebasing: json[$0]) }
    }
}
