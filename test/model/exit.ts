/** How what the model runs ends, and how that is written. */

/** Nothing is success, else the parts of its cause. */
export type Exit = ReadonlyArray<string>
export type Done = (exit: Exit) => void
export const ok: Exit = []
export const interrupted: Exit = ["interrupt"]
export const both = (one: Exit, other: Exit): Exit => [...new Set([...one, ...other])].toSorted()
/** An interrupt may come with what failed on the way: that is Effect's affair. */
export const textOf = (exit: Exit): string =>
  exit.length === 0 ? "ok" : exit.includes("interrupt") ? "interrupt" : exit.join("+")
