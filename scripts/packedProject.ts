/** A throw-away project with the package as users get it: packed, installed from the tarball beside what is named. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

interface Manifest {
  readonly exports: Record<string, unknown>
  readonly devDependencies: Record<string, string>
}

export const root = path.resolve(import.meta.dirname, "..")
export const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as Manifest

interface Finished {
  readonly status: number | null
  readonly output: string
}

interface Project {
  readonly folder: string
  readonly write: (file: string, text: string) => void
  /** Ends this process if the command fails. */
  readonly run: (command: string, ...args: ReadonlyArray<string>) => void
  /** Also of a command that fails, with both streams. */
  readonly outputOf: (command: string, ...args: ReadonlyArray<string>) => Finished
}

/** `beside`: packages in the versions that this repository pins. Needs `dist`. */
export const packedProject = (...beside: ReadonlyArray<string>): Project => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rescind-pack-"))
  process.on("exit", () => fs.rmSync(folder, { recursive: true }))
  const write = (file: string, text: string): void => fs.writeFileSync(path.join(folder, file), text)
  const run = (command: string, ...args: ReadonlyArray<string>): void => {
    const { status } = spawnSync(command, args, { cwd: folder, stdio: "inherit" })
    if (status !== 0) process.exit(1)
  }
  const outputOf = (command: string, ...args: ReadonlyArray<string>): Finished => {
    const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined }
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8", env })
    return { status, output: `${stdout}\n${stderr}` }
  }

  const pack = spawnSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: root, encoding: "utf8" })
  const pinned = Object.fromEntries(beside.map((name) => [name, manifest.devDependencies[name]]))
  const dependencies = { rescind: `file:${pack.stdout.trim()}`, ...pinned }
  write("package.json", JSON.stringify({ type: "module", private: true, dependencies }))
  run("npm", "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
  return { folder, write, run, outputOf }
}
