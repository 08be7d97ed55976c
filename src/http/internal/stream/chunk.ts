/** Consecutive events as one piece of text, and its bytes, which are made once for all who are sent them. */
export class Chunk {
  readonly text: string
  /** The number of the newest event in it; what is no event of the log has that of the event before. */
  readonly to: number
  private encoded: Uint8Array | undefined = undefined
  private chunked: Uint8Array | undefined = undefined

  constructor(text: string, to: number) {
    this.text = text
    this.to = to
  }

  get bytes(): Uint8Array {
    return (this.encoded ??= new TextEncoder().encode(this.text))
  }

  /** About how many bytes it takes on the way. */
  get size(): number {
    return (this.chunked ?? this.encoded)?.length ?? this.text.length
  }

  /** As a chunk of a body of HTTP/1.1 (RFC 9112, section 7.1); for Node only. */
  get framed(): Uint8Array {
    if (this.chunked !== undefined) return this.chunked
    const { text } = this
    return (this.chunked = Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`))
  }
}
