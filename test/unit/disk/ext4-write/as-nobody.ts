/** Gives up all rights, and then runs a script. Arguments: the script, and its own. */
const NOBODY = 65534
const [script = '', ...args] = process.argv.slice(2)
process.argv = [process.argv[0] ?? '', script, ...args]
// all modules are loaded while they can be read
const modules = ['base/errors', 'base/task', 'disk/ext4-write/change-files']
for (const name of modules) await import(new URL(`../../../../src/${name}.js`, import.meta.url).href)
process.setgroups?.([])
process.setgid?.(NOBODY)
process.setuid?.(NOBODY)
await import(script)
