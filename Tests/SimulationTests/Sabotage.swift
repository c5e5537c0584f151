/// A rule that is broken on purpose, to see that it is found out.
enum Sabotage: String, CaseIterable {
    /// An edge that sometimes appends nothing.
    case dropsPublications
    /// An edge that sometimes appends twice.
    case repeatsPublications
    /// An edge that does not tell gaps.
    case hidesGaps
    /// An edge whose policy acts in the middle of a frame.
    case cutsFrames
    /// A Redis that acknowledges what it does not keep.
    case forgetsPublications
    /// A Redis that takes every write to a session.
    case acceptsStaleFences
    /// A Redis that grants a session to everyone.
    case ignoresSecrets

    /// The rules of which one is to be found broken.
    var rules: [Rule] {
        switch self {
        case .dropsPublications, .hidesGaps: [.continuity]
        case .repeatsPublications, .cutsFrames: [.order]
        case .forgetsPublications: [.acknowledgement]
        case .acceptsStaleFences, .ignoresSecrets: [.ownership]
        }
    }
}
