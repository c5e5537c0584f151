/// Where the values of the kept header fields lie, one slot for each `HTTPField`.
///
/// A homogeneous tuple indexed by address, because `InlineArray` asks for a newer macOS than the package does.
/// A field that is absent has the empty range at 0, where no value can be: the request line is there.
///
/// Size: 208 bytes.
struct HTTPFieldRanges: Sendable, BitwiseCopyable {
    private typealias Seven = (ByteRange, ByteRange, ByteRange, ByteRange, ByteRange, ByteRange, ByteRange)

    private static var sevenAbsent: Seven { (.empty, .empty, .empty, .empty, .empty, .empty, .empty) }

    private typealias Slots = (Seven, Seven, Seven, ByteRange, ByteRange, ByteRange, ByteRange, ByteRange)

    private var slots: Slots = (sevenAbsent, sevenAbsent, sevenAbsent, .empty, .empty, .empty, .empty, .empty)

    /// How many slots there are; a test holds this equal to the number of fields.
    static var slotCount: Int { MemoryLayout<Slots>.size / MemoryLayout<ByteRange>.stride }

    subscript(field: HTTPField) -> ByteRange? {
        get {
            let range = withUnsafeBytes(of: slots) {
                $0.load(fromByteOffset: Self.offset(of: field), as: ByteRange.self)
            }
            return range == .empty ? nil : range
        }
        set {
            withUnsafeMutableBytes(of: &slots) {
                $0.storeBytes(of: newValue ?? .empty, toByteOffset: Self.offset(of: field), as: ByteRange.self)
            }
        }
    }

    private static func offset(of field: HTTPField) -> Int {
        // bounded: a byte
        Int(field.rawValue) * MemoryLayout<ByteRange>.stride
    }
}
