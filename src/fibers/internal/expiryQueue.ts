/**
 * Kept messages by the time at which they expire: a binary heap. A message that
 * was taken stays in it until it comes to the top or most of the heap is such, so
 * that taking costs nothing here and memory stays within twice what is kept.
 */
import type { Message } from "./messageLine.ts"

export class ExpiryQueue {
  private heap: Array<Message> = []
  private live = 0

  add(message: Message): void {
    this.live++
    // Given back: its entry was still here.
    if (message.timed) return
    message.timed = true
    this.rise(this.heap.push(message) - 1)
  }

  /** The message has just left its line. */
  drop(): void {
    this.live--
    if (this.live === 0) this.clear()
    else if (this.heap.length > 64 && this.live * 2 < this.heap.length) this.compact()
  }

  clear(): void {
    for (const message of this.heap) message.timed = false
    this.heap = []
    this.live = 0
  }

  get empty(): boolean {
    return this.live === 0
  }

  /** The kept message that expires first. */
  get first(): Message | undefined {
    while (this.heap.length > 0 && this.heap[0]!.line === undefined) this.removeTop()
    return this.heap[0]
  }

  private compact(): void {
    const kept: Array<Message> = []
    for (const message of this.heap) {
      if (message.line === undefined) message.timed = false
      else kept.push(message)
    }
    // A sorted array is a heap.
    this.heap = kept.toSorted((a, b) => a.until - b.until)
  }

  private removeTop(): void {
    const [top] = this.heap
    top!.timed = false
    const last = this.heap.pop()!
    if (this.heap.length === 0) return
    this.heap[0] = last
    this.sink()
  }

  private rise(index: number): void {
    const message = this.heap[index]!
    while (index > 0) {
      const up = (index - 1) >> 1
      if (this.heap[up]!.until <= message.until) break
      this.heap[index] = this.heap[up]!
      index = up
    }
    this.heap[index] = message
  }

  private sink(): void {
    const { heap } = this
    const message = heap[0]!
    let index = 0
    while (true) {
      let down = index * 2 + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && heap[down + 1]!.until < heap[down]!.until) down++
      if (heap[down]!.until >= message.until) break
      heap[index] = heap[down]!
      index = down
    }
    heap[index] = message
  }
}
