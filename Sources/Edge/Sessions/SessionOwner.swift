internal import Broker
internal import Text

/// Whose a session is, as it keeps that: a user's is not resumed by another, whoever has its token.
enum SessionOwner {
    /// What is noted with a session of somebody; nothing of one that is nobody's.
    static func notes(of identity: Identity?) -> [UInt8] {
        identity?.user.map { Array("u\(PercentCoding.encode($0))".utf8) } ?? []
    }

    /// Whether somebody may have a session with such notes: not another user. Who shows nothing but its token has it without the rights
    /// of its user.
    static func allows(_ identity: Identity?, _ notes: [UInt8]) -> Bool {
        guard let user = identity?.user else { return true }
        for word in notes.split(separator: UInt8(ascii: " ")) where word.first == UInt8(ascii: "u") {
            return PercentCoding.decode(String(decoding: word.dropFirst(), as: UTF8.self)) == user
        }
        return true
    }
}
