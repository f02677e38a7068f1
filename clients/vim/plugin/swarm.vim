" SPDX-License-Identifier: MIT
" The commands of the swarm client. Everything else is loaded when one of them is used.

if exists('g:loaded_swarm')
  finish
endif
let g:loaded_swarm = 1

augroup swarm
  autocmd!
  autocmd BufReadCmd swarm://* call swarm#buffer#read(expand('<amatch>'))
augroup END

if !has('nvim')
  finish
endif

function! s:complete(lead, line, position) abort
  return luaeval("require('swarm.commands').complete(_A[1], _A[2], _A[3])", [a:lead, a:line, a:position])
endfunction

command! -nargs=* -bang -complete=customlist,s:complete Swarm
      \ call luaeval("require('swarm.commands').swarm(_A)",
      \   {'arguments': <q-args>, 'modifiers': <q-mods>, 'bang': <bang>0})
command! -nargs=* -range SwarmNew
      \ call luaeval("require('swarm.commands').new(_A)",
      \   {'arguments': <q-args>, 'modifiers': <q-mods>, 'range': [<range>, <line1>, <line2>]})

nnoremap <silent> <Plug>(swarm-dashboard) :<C-u>Swarm<CR>
nnoremap <silent> <Plug>(swarm-new) :<C-u>SwarmNew<CR>
xnoremap <silent> <Plug>(swarm-new) :SwarmNew<CR>
