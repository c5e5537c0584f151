internal import Broker
internal import Text

/// Whose a session is, as it keeps that: a user's is not resumed by another, whoever has its token.
enum SessionOwner {
    /// What is noted with a session of somebody; nothing of one that is nobody's.
    static func notes(of identity: Identity?) -> [UInt8] {
        identity?.user.map { Array("u\(PercentCoding.encode($0))".utf8) } ?? []
    }

    /// Whether somebody may have a session with such notes: not another user. Who shows nothing but its token has it without the rights
    /// of its user; what Bayeux notes of a client names the user, too.
    static func allows(_ identity: Identity?, _ notes: [UInt8]) -> Bool {
        guard let user = identity?.user else { return true }
        for word in notes.split(separator: UInt8(ascii: " ")) where word.first == UInt8(ascii: "u") {
            return isSame(PercentCoding.decode(String(decoding: word.dropFirst(), as: UTF8.self)), user)
        }
        return allows(identity, of: BayeuxNotes(notes).identity)
    }

    /// Whether somebody may have what is somebody's. What is nobody's may become a user's.
    static func allows(_ identity: Identity?, of owner: Identity?) -> Bool {
        guard let user = identity?.user, let name = owner?.user else { return true }
        return isSame(name, user)
    }

    /// By their bytes: to Swift two names are the same that only look the same.
    static func isSame(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return left.utf8.elementsEqual(right.utf8)
    }
}
