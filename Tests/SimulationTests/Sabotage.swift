/// A rule that is broken on purpose, to see that it is found out.
enum Sabotage: String, CaseIterable {
    /// An outlet that sometimes says it sent what it did not.
    case dropsPublications
    /// An outlet that sometimes sends twice.
    case repeatsPublications
    /// An uplink that has histories begin where they were asked from, whatever is missing there.
    case hidesGaps
    /// An outlet that leaves out the end of what did not fit.
    case cutsFrames
    /// A Redis that acknowledges what it does not keep.
    case forgetsPublications
    /// A node that hears no more of one of several masters once it has lost it.
    case staysDeaf
    /// A Redis that has a publication of a keyed channel take the place of one of another key.
    case replacesOtherKeys
    /// A Redis that answers who stands where it lost what was published in a keyed channel with what came since.
    case hidesLosses
    /// A reactor that holds back only the newest publication, whatever their keys.
    case holdsBackOneKey
    /// A Redis that takes every write to a session.
    case acceptsStaleFences
    /// A Redis that grants a session to everyone.
    case ignoresSecrets

    /// The rules of which one is to be found broken.
    var rules: [Rule] {
        switch self {
        case .dropsPublications, .hidesGaps: [.continuity]
        case .repeatsPublications, .cutsFrames: [.order]
        case .replacesOtherKeys, .hidesLosses, .holdsBackOneKey: [.continuity, .values]
        case .staysDeaf: [.rest]
        case .forgetsPublications: [.acknowledgement]
        case .acceptsStaleFences, .ignoresSecrets: [.ownership]
        }
    }
}
