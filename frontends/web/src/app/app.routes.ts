import { Routes } from '@angular/router';
import { signedIn } from './auth/guard';

export const routes: Routes = [
  { path: '', pathMatch: 'full', redirectTo: 'market' },
  {
    path: 'market',
    canActivate: [signedIn],
    children: [
      {
        path: '',
        title: 'Markets',
        loadComponent: () => import('./market/first-market').then((m) => m.FirstMarket),
      },
      {
        path: ':symbol',
        title: (route) => route.paramMap.get('symbol') ?? 'Market',
        loadComponent: () => import('./market/market-page').then((m) => m.MarketPage),
      },
    ],
  },
  {
    path: 'profile',
    title: 'Profile',
    canActivate: [signedIn],
    loadComponent: () => import('./profile/profile-page').then((m) => m.ProfilePage),
  },
  {
    path: 'about',
    title: 'About',
    loadComponent: () => import('./about/about-page').then((m) => m.AboutPage),
  },
  {
    path: 'sign-in',
    title: 'Sign in',
    loadComponent: () => import('./auth/sign-in-page').then((m) => m.SignInPage),
  },
  {
    path: 'register',
    title: 'Register',
    loadComponent: () => import('./auth/register-page').then((m) => m.RegisterPage),
  },
  {
    path: 'signed-in',
    title: 'Signing in',
    loadComponent: () => import('./auth/signed-in-page').then((m) => m.SignedInPage),
  },
  { path: '**', redirectTo: '' },
];
