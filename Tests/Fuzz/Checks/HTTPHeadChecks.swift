@testable import Wire

/// Where a request head ends, and what it says.
enum HTTPHeadChecks {
    static func check(_ bytes: [UInt8]) throws {
        try check(bytes, HTTPLimits())
        var narrow = HTTPLimits()
        (narrow.targetBytes, narrow.headBytes, narrow.fieldCount) = (16, 128, 4)
        try check(bytes, narrow)
    }

    private static func check(_ bytes: [UInt8], _ limits: HTTPLimits) throws {
        let whole = try scan(bytes, limits)
        var scanner = HTTPHeadScanner()
        var pieces = Pieces(bytes)
        var outcome = HTTPHeadScanner.Outcome.incomplete
        for end in pieces.ends(of: bytes.count) where outcome == .incomplete {
            outcome = try withExactCopy(of: bytes[..<end]) { scanner.scan($0.octets.span, limits: limits) }
        }
        try requireSame(whole, outcome, "the end of a head, whole and in pieces")
        switch whole {
        case .incomplete: try require(bytes.count < limits.headBytes, "an endless head")
        case .rejected: break
        case .complete(let headCount):
            try require(headCount <= min(bytes.count, limits.headBytes), "a head of \(headCount) bytes")
            try requireSame(try scan(Array(bytes[..<headCount]), limits), whole, "a head without what follows it")
            try requireSame(try scan(Array(bytes[..<(headCount - 1)]), limits), .incomplete, "a head without its end")
            try checkHead(bytes, headCount, limits)
        }
    }

    private static func scan(_ bytes: [UInt8], _ limits: HTTPLimits) throws -> HTTPHeadScanner.Outcome {
        try withExactCopy(of: bytes) { copy in
            var scanner = HTTPHeadScanner()
            return scanner.scan(copy.octets.span, limits: limits)
        }
    }

    /// What is read of it must not depend on what follows it.
    private static func checkHead(_ bytes: [UInt8], _ headCount: Int, _ limits: HTTPLimits) throws {
        let alone = try parse(bytes[..<headCount], limits)
        try requireSame(try parse(bytes[...], limits), alone, "a head with and without what follows it")
        guard case .success(let said) = alone else { return }
        try requireSame(said.headCount, headCount, "the end of a head, by scanner and parser")
        try require(said.path.count + said.query.count <= limits.targetBytes, "a target over the limit")
        try require(!said.isChunked || said.contentLength == nil, "a body of two lengths")
        try require(said.contentLength ?? 0 >= 0, "a length below nothing")
        for text in said.fields.values.joined() {
            try require(text.allSatisfy { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7f }, "a control character in a value")
            try require(text.first != 0x20 && text.last != 0x20, "a value with whitespace around it")
        }
    }

    /// All that a head says.
    struct Said: Equatable {
        var headCount: Int
        var contentLength: Int?
        var flags: [Bool]
        var isChunked: Bool
        var path: [UInt8]
        var query: [UInt8]
        var fields: [UInt8: [[UInt8]]]
    }

    private static func parse(
        _ bytes: ArraySlice<UInt8>,
        _ limits: HTTPLimits
    ) throws -> Result<Said, HTTPRejection> {
        try withExactCopy(of: bytes) { copy throws in
            let span = copy.octets.span
            let head: HTTPRequestHead
            do throws(HTTPRejection) {
                head = try HTTPRequestHead(parsing: span, limits: limits)
            } catch { return .failure(error) }
            func text(_ range: ByteRange) throws -> [UInt8] {
                try require(range.indices.upperBound <= head.headCount, "a range behind the head")
                return Array(copy[range.indices])
            }
            var fields: [UInt8: [[UInt8]]] = [:]
            for field in HTTPField.allCases {
                guard let last = head[field] else { continue }
                var values: [[UInt8]] = []
                for value in head.values(of: field, in: span) { values.append(try text(value)) }
                let isElsewhere = field == .host && head.targetForm == .absolute
                if !isElsewhere { try requireSame(values.last, try text(last), "the last line of \(field.name)") }
                fields[field.rawValue] = values
            }
            let said = Said(
                headCount: head.headCount,
                contentLength: head.contentLength,
                flags: [head.keepAlive, head.expectsContinue, head.wantsUpgrade, head.minorVersion == 1],
                isChunked: head.isChunked,
                path: try text(head.path),
                query: try text(head.query),
                fields: fields
            )
            return .success(said)
        }
    }
}
