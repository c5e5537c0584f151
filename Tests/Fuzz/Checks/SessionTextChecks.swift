@testable import Broker
@testable import Edge

/// What is kept as text of clients: who a session's user is, the notes of a client of Bayeux, readers in a node's will. Nothing in it is
/// signed.
enum SessionTextChecks {
    static func check(_ bytes: [UInt8]) throws {
        try check(Identity(text: String(decoding: bytes, as: UTF8.self)))
        let notes = BayeuxNotes(bytes)
        let again = BayeuxNotes(notes.text)
        try requireSame(again, notes, "notes, written anew")
        try requireSame(again.text, notes.text, "the text of notes")
        guard let entry = WillEntry(text: bytes) else { return }
        let text = entry.text(of: SessionHolder(reactor: 63, connection: .max))
        if text.count <= bytes.count { try requireSame(WillEntry(text: text), entry, "an entry of a will") }
    }

    /// Written and read it grants the same: nothing more, and no longer.
    static func check(_ identity: Identity) throws {
        let again = Identity(text: identity.text)
        try requireSame(again.text, identity.text, "the text of an identity")
        try requireSame(again.user.map { Array($0.utf8) }, identity.user.map { Array($0.utf8) }, "a user")
        try requireSame(again.tokenID.map { Array($0.utf8) }, identity.tokenID.map { Array($0.utf8) }, "a token's name")
        try requireSame(again.endMilliseconds, identity.endMilliseconds, "an end")
        try requireSame(again.issuedMilliseconds, identity.issuedMilliseconds, "an age")
        if identity.text.contains(";i") { try requireSame(again.info, identity.info, "what others see") }
        try requireSame(again.given, identity.given, "channels that were given")
        for action in AccessAction.allCases {
            try requireSame(again.grants[action] ?? [], identity.grants[action] ?? [], "what is granted")
        }
    }
}
