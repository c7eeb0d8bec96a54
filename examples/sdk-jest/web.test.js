import { expect, test } from '@jest/globals'
import { useEnvironment } from 'lago/jest'

// both machines run, and the server serves, before the first test; each test begins with them as they were then
const env = useEnvironment({
  initFile: 'LagoInitFile',
  revert: 'each',
  prepare: async (env) => {
    const server = env.vm('server')
    await server.succeed('mkdir -p /srv && echo "made by lago" > /srv/index.html && httpd -h /srv')
    await server.waitForPort(80)
  },
})

test('the client reads the page by the name of the server', async () => {
  expect(await env.vm('client').succeed('wget -q -O - http://server/')).toBe('made by lago\n')
})

test('a server that has lost its page says so', async () => {
  await env.vm('server').succeed('rm /srv/index.html')
  await env.vm('client').fail('wget -q -O - http://server/')
})

test('and in the next test the page is there again', async () => {
  expect(await env.vm('client').succeed('wget -q -O - http://server/')).toBe('made by lago\n')
})
