/** Configuration files of yum and dnf, as the user wrote them: `[main]`, and a section for each repository. */
import { readFile } from 'node:fs/promises'
import { isLagoError, isSystemError, LagoError, messageOf } from '../base/errors.js'
import { parseIni, type IniSections } from '../config/ini.js'

export interface YumConfig {
  /** Absolute, for messages. */
  readonly configPath: string
  /** With `main`; nothing is expanded. */
  readonly sections: IniSections
}

/**
 * Throws `LAGO_YUM_CONFIG` naming the file, and the line where there is one: it is not there, it is no such file, or a
 * word such as `@SUITE@` was never replaced in it.
 */
export async function readYumConfig(configPath: string): Promise<YumConfig> {
  const text = await readFile(configPath, 'utf8').catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES')) throw error
    throw yumConfigError(`cannot read the yum configuration ${configPath}: ${readProblem(error)}`, {
      hint: 'name the file with --reposync-yum-config, or set reposync_config',
      data: { path: configPath },
    })
  })
  refuseUnreplaced(text, configPath)
  return { configPath, sections: parse(text, configPath) }
}

/** `LAGO_YUM_CONFIG`. */
export function yumConfigError(
  message: string,
  options: Pick<LagoError, 'data'> & { readonly hint?: string; readonly cause?: unknown },
): LagoError {
  return new LagoError('LAGO_YUM_CONFIG', message, options)
}

function readProblem(error: NodeJS.ErrnoException): string {
  if (error.code === 'EISDIR') return 'it is a directory'
  return error.code === 'EACCES' ? 'no permission' : 'there is no such file'
}

/** What the scripts of a suite put their own directory in the place of (spec 3.10). */
function refuseUnreplaced(text: string, configPath: string): void {
  for (const [index, line] of text.split('\n').entries()) {
    const word = /^\s*[#;]/.test(line) ? undefined : /@[A-Z][A-Z0-9_]*@/.exec(line)?.[0]
    if (word === undefined) continue
    throw yumConfigError(`${configPath}:${index + 1}: ${word} was not replaced by its value`, {
      hint: `write the value there, for example: sed -i "s|${word}|$PWD|g" ${configPath}`,
      data: { path: configPath, line: index + 1, word },
    })
  }
}

function parse(text: string, configPath: string): IniSections {
  try {
    return parseIni(text.replace(/^\uFEFF/, ''), configPath)
  } catch (error) {
    if (!isLagoError(error, 'LAGO_USAGE')) throw error
    throw yumConfigError(messageOf(error), {
      hint: 'see dnf.conf(5) for what such a file looks like',
      data: error.data,
      cause: error,
    })
  }
}
