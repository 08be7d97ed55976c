/** A private copy of the working tree, with `node_modules` linked; removed with its scope. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"

const leftOut = new Set(["node_modules", "dist", "coverage", ".git", ".tmp"])

/** The path of the copy. */
export const workingCopy = (root: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    // The real path: vitest knows files by it.
    Effect.promise(async () => fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), "rescind-mutants-")))),
    (copy) => Effect.promise(() => fs.rm(copy, { recursive: true, force: true, maxRetries: 5 }))
    // oxlint-disable-next-line rescind/pass-the-signal -- copies for a moment; Node's `cp` takes no signal
  ).pipe(Effect.tap((copy) => Effect.promise(() => fill(copy, root))))

const fill = async (copy: string, root: string): Promise<void> => {
  for (const name of await fs.readdir(root)) {
    if (leftOut.has(name)) continue
    await fs.cp(path.join(root, name), path.join(copy, name), { recursive: true })
  }
  await fs.symlink(await fs.realpath(path.join(root, "node_modules")), path.join(copy, "node_modules"), "dir")
}
