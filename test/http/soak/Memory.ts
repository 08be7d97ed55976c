/**
 * What the soaked process holds after a full collection, and whether that grows. What it takes from the system says
 * little: an allocator grows to the highest tide, and slowly.
 */
import type { Held } from "./soakServer.ts"

export class Memory {
  readonly #samples: Array<number> = []

  /** One every five seconds. */
  add({ heap }: Held): void {
    this.#samples.push(heap)
  }

  get megabytes(): ReadonlyArray<number> {
    return this.#samples.map((bytes) => Math.round(bytes / 1e6))
  }

  /** The slope of the last two thirds, in bytes a minute, by least squares; the first third is the growing up. */
  get slope(): number {
    const level = this.#samples.slice(Math.floor(this.#samples.length / 3))
    const middle = (level.length - 1) / 2
    const mean = this.mean
    let above = 0
    let below = 0
    for (const [index, bytes] of level.entries()) {
      above += (index - middle) * (bytes - mean)
      below += (index - middle) ** 2
    }
    return below === 0 ? 0 : (above / below) * 12
  }

  /** Of the same samples, in bytes. */
  get mean(): number {
    const level = this.#samples.slice(Math.floor(this.#samples.length / 3))
    return level.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, level.length)
  }
}
