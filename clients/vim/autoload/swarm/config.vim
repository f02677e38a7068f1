" SPDX-License-Identifier: MIT
" The options (`g:swarm`, `g:swarm_server`), read when they are used, so that they may be set at any
" time and nothing has to be called first.
"
"   swarm#config#get(name)   an option; v:null when it has no default and was not set
"   swarm#config#problems()  what is wrong with the options, as a list of sentences
"   swarm#config#server()    {command: [...]}, or {problem: what to do}

let s:defaults = {
      \ 'open': 'split',
      \ 'output_lines': 5,
      \ 'page': 200,
      \ 'prompt_height': 8,
      \ 'notify': v:true,
      \ 'scope': 'all',
      \ 'sort': 'age',
      \ 'model': v:null,
      \ 'role': v:null,
      \ 'mode': v:null,
      \ 'isolation': v:null,
      \ 'base': v:null,
      \ }

let s:choices = {
      \ 'open': ['split', 'vsplit', 'tab', 'none'],
      \ 'scope': ['all', 'session'],
      \ 'sort': ['age', 'activity', 'name', 'cost', 'tokens'],
      \ 'mode': ['ask', 'edit', 'full', 'read'],
      \ 'isolation': ['worktree', 'none'],
      \ }

let s:source = resolve(expand('<sfile>:p'))

function! s:options() abort
  return type(get(g:, 'swarm', {})) == v:t_dict ? get(g:, 'swarm', {}) : {}
endfunction

function! swarm#config#get(name) abort
  let value = get(s:options(), a:name, s:defaults[a:name])
  if has_key(s:choices, a:name) && value isnot v:null && index(s:choices[a:name], value) < 0
    return s:defaults[a:name]
  endif
  return value
endfunction

function! swarm#config#problems() abort
  if type(get(g:, 'swarm', {})) != v:t_dict
    return ['g:swarm is no dictionary: see :help swarm-options']
  endif
  let problems = []
  for [name, value] in sort(items(s:options()))
    if !has_key(s:defaults, name)
      call add(problems, 'g:swarm.' .. name .. ' is no option: see :help swarm-options')
    elseif has_key(s:choices, name) && index(s:choices[name], value) < 0
      call add(problems, printf('g:swarm.%s is %s; it takes %s', name, string(value), join(s:choices[name], ', ')))
    endif
  endfor
  return problems
endfunction

function! swarm#config#server() abort
  let server = get(g:, 'swarm_server', '')
  if !empty(server)
    let command = type(server) == v:t_list ? server : [expand(server)]
    if executable(command[0])
      return {'command': command}
    endif
    return {'problem': printf('g:swarm_server names %s, which cannot be run: correct it, or unset it', command[0])}
  endif
  if executable('swarmd')
    return {'command': ['swarmd']}
  endif
  let tree = fnamemodify(s:source, ':h:h:h:h:h')
  let built = tree .. '/build/release/bin/swarmd'
  if executable(built)
    return {'command': [built]}
  endif
  return {'problem': printf('swarmd was not found: put it on PATH, or set g:swarm_server to its path, or build it in %s'
        \ .. ' with: cmake --preset release && cmake --build --preset release', fnamemodify(tree, ':~'))}
endfunction
