" SPDX-License-Identifier: MIT
" The commands of the swarm client. Everything else is loaded when one of them is used.

if exists('g:loaded_swarm')
  finish
endif
let g:loaded_swarm = 1

function! s:too_old() abort
  echohl WarningMsg
  echomsg 'swarm: this plugin needs Neovim 0.7.2, or Vim 9.0 with +channel, +job, +timers, +textprop and +popupwin'
  echohl None
endfunction

if has('nvim') ? !has('nvim-0.7.2') : v:version < 900 || !has('channel') || !has('job') || !has('timers')
      \ || !has('textprop') || !has('popupwin')
  command! -nargs=* -range -bang Swarm call s:too_old()
  command! -nargs=* -range -bang SwarmNew call s:too_old()
  command! -nargs=* -range -bang SwarmFix call s:too_old()
  finish
endif

function! s:command(modifiers, bang, count, first, last) abort
  return {'modifiers': a:modifiers, 'bang': a:bang, 'range': [a:count, a:first, a:last]}
endfunction

command! -nargs=* -bang -complete=customlist,swarm#command#complete Swarm
      \ call swarm#command#swarm(<q-args>, s:command(<q-mods>, <bang>0, 0, 0, 0))
command! -nargs=* -range -complete=customlist,swarm#new#complete SwarmNew
      \ call swarm#command#new(<q-args>, s:command(<q-mods>, v:false, <range>, <line1>, <line2>))
command! -nargs=* -range SwarmFix
      \ call swarm#command#fix(<q-args>, s:command(<q-mods>, v:false, <range>, <line1>, <line2>))

nnoremap <silent> <Plug>(swarm-dashboard) :<C-u>Swarm<CR>
nnoremap <silent> <Plug>(swarm-approvals) :<C-u>Swarm approvals<CR>
nnoremap <silent> <Plug>(swarm-new) :<C-u>SwarmNew<CR>
xnoremap <silent> <Plug>(swarm-new) :SwarmNew<CR>
nnoremap <silent> <Plug>(swarm-fix) :<C-u>SwarmFix<CR>
xnoremap <silent> <Plug>(swarm-fix) :SwarmFix<CR>

augroup swarm
  autocmd!
  autocmd BufReadCmd swarm://* call swarm#buffer#read(expand('<amatch>'))
augroup END
