" SPDX-License-Identifier: MIT
" What is good and what is wrong: for :checkhealth swarm (lua/swarm/health.lua) and :Swarm health.
"
"   swarm#health#report()   [[level, text], ...]; level: ok, warn, error

let s:NAME = 'swarm://health'

function! s:editor() abort
  if has('nvim')
    return has('nvim-0.7.2') ? ['ok', 'this Neovim is new enough'] : ['error', 'this Neovim is older than 0.7.2: update it']
  elseif v:version < 900
    return ['error', 'this Vim is older than 9.0: update it']
  endif
  let missing = filter(['channel', 'job', 'timers', 'textprop', 'popupwin'], '!has(v:val)')
  return empty(missing) ? ['ok', 'this Vim is new enough and has what is needed']
        \ : ['error', 'this Vim was built without ' .. join(missing, ', ') .. ': install another build (Debian: vim)']
endfunction

function! s:server() abort
  let found = swarm#config#server()
  if has_key(found, 'problem')
    return [['error', found.problem]]
  endif
  let result = [['ok', 'the server is ' .. join(found.command)]]
  let info = swarm#rpc#info()
  if empty(info)
    return add(result, ['ok', 'it does not run; the first command starts it'])
  elseif !info.ready
    return add(result, ['warn', 'it was started, but has not answered yet'])
  endif
  call add(result, ['ok', printf('it runs: %s %s', get(info.server, 'name', '?'), get(info.server, 'version', '?'))])
  return add(result, ['ok', printf('%s known', swarm#util#plural(len(swarm#state#agents()), 'agent'))])
endfunction

function! swarm#health#report() abort
  let report = [s:editor()]
  call add(report, &encoding ==# 'utf-8' ? ['ok', "'encoding' is utf-8"]
        \ : ['warn', "'encoding' is " .. &encoding .. ': signs are shown as letters; set encoding=utf-8'])
  call add(report, executable('git') ? ['ok', 'git is there']
        \ : ['warn', 'git was not found: you will want it to look at the branches of agents'])
  let problems = swarm#config#problems()
  call extend(report, empty(problems) ? [['ok', 'the options are good']] : map(problems, '["error", v:val]'))
  return report + s:server()
endfunction

function! s:line(entry) abort
  let [level, text] = a:entry
  let group = {'ok': 'SwarmDone', 'warn': 'SwarmWaiting', 'error': 'SwarmFailed'}[level]
  return {'text': printf('  %-5s  %s', toupper(level), text), 'spans': [[2, len(level), group]]}
endfunction

function! s:set_up() abort
  call swarm#buffer#map('q', 'call swarm#buffer#close()', 'close')
  call swarm#buffer#map('R', 'Swarm health', 'look again')
  call swarm#buffer#map('g?', 'call swarm#help#show()', 'these keys')
endfunction

function! swarm#health#command(words, command) abort
  let bufnr = swarm#buffer#open(s:NAME, 'swarmhealth', a:command.modifiers, function('s:set_up'))
  call swarm#buffer#render(bufnr, [{'text': 'swarm: health', 'spans': [[0, 13, 'SwarmTitle']]}, '']
        \ + map(swarm#health#report(), 's:line(v:val)'), 1)
endfunction
