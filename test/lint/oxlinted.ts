/** The real oxlint with the preset over files that are written for it: what it finds in each, place by place. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import plugin from "../../lint/index.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** Of each file that has any, the findings as `line:column rescind/rule: message`, sorted. */
export type Found = ReadonlyMap<string, ReadonlyArray<string>>

export const oxlinted = (
  folder: string,
  files: ReadonlyMap<string, string>,
  overrides: ReadonlyArray<object> = []
): Found => {
  fs.rmSync(folder, { recursive: true, force: true })
  // A repository of its own, as .tmp is none that a linter looks at.
  fs.mkdirSync(path.join(folder, ".git"), { recursive: true })
  for (const [name, code] of files) fs.writeFileSync(path.join(folder, name), code)
  const jsPlugins = [path.join(root, "lint/index.ts")]
  const config = { jsPlugins, categories: { correctness: "off" }, rules: plugin.configs.recommended.rules, overrides }
  fs.writeFileSync(path.join(folder, "oxlint.json"), JSON.stringify(config))
  const oxlint = path.join(root, "node_modules/oxlint/bin/oxlint")
  const { stdout } = spawnSync(process.execPath, [oxlint, "-c", "oxlint.json", "-f", "json", "."], {
    cwd: folder,
    encoding: "utf8"
  })
  const found = new Map<string, Array<string>>()
  for (const { code, filename, labels, message } of (JSON.parse(stdout) as Output).diagnostics) {
    const { column, line } = labels[0]!.span
    const rule = code.replace(/^rescind\((.*)\)$/, "rescind/$1")
    add(found, path.basename(filename), `${line}:${column} ${rule}: ${message}`)
  }
  return sorted(found)
}

interface Output {
  readonly diagnostics: ReadonlyArray<{
    readonly filename: string
    readonly code: string
    readonly message: string
    readonly labels: ReadonlyArray<{ readonly span: { readonly line: number; readonly column: number } }>
  }>
}

export const add = (found: Map<string, Array<string>>, file: string, place: string): void => {
  found.set(file, [...(found.get(file) ?? []), place])
}

export const sorted = (found: Found): Found => new Map(Array.from(found, ([file, places]) => [file, places.toSorted()]))
